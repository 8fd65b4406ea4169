# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""When rounds are made, and what is said of them; the engine is a double, no time is waited for."""

import contextlib
import dataclasses
import threading

import fixtures
import testtools
from hypothesis import given
from hypothesis import strategies as st

from placement_sync.agent.backend_connection import CoordinationError
from placement_sync.agent.members import Alone, GroupView
from placement_sync.agent.metrics import Metrics
from placement_sync.agent.notify import Systemd
from placement_sync.agent.rounds import Agent, Orders, backoff
from placement_sync.agent.settings import Settings
from placement_sync.engine.round import RoundResult
from vfio_lm.errors import CloudError
from vfio_lm.pci import NovaConf
from vfio_lm.pci.hosts import Host, KnownHosts

_LIMIT = 30
_CONF = NovaConf(sources=(), aliases={}, pci_in_placement=None)


@dataclasses.dataclass
class Source:
    """Hosts that need no files."""

    names: tuple[str, ...] = ("compute1", "compute2")
    errors: tuple[Exception, ...] = ()

    def read(self):
        hosts = tuple(Host(name, name, _CONF) for name in self.names)
        return KnownHosts(hosts=hosts, errors=self.errors)


class Engine:
    """Answers with what a test prepared; the last answer is repeated."""

    def __init__(self, *answers):
        self.answers = list(answers or (RoundResult(),))
        self.rounds = []
        self.dry_runs = []
        self.forgot = 0
        self.made = threading.Semaphore(0)
        self.running = 0
        self.overlapped = False

    def forget_writes(self):
        self.forgot += 1

    def run_round(self, hosts, *, all_hosts, with_flavors, writing, dry_run):
        self.running += 1
        self.dry_runs.append(dry_run)
        self.overlapped |= self.running > 1
        self.rounds.append([host.name for host in hosts])
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        try:
            if isinstance(answer, Exception):
                raise answer
            return answer(writing) if callable(answer) else answer
        finally:
            self.running -= 1
            self.made.release()


class Adapters:
    def __init__(self):
        self.rounds = 0

    def begin_round(self, end):
        self.rounds += 1

    @contextlib.contextmanager
    def ending_by(self, end):
        yield


class AgentTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger("placement_sync", level=20))
        self.metrics = Metrics()
        self.source = Source()
        self.adapters = Adapters()

    def orders(self, engine, **settings):
        settings = Settings(**({"source": self.source, "interval": 3600} | settings))
        return Orders(settings, engine, self.adapters)

    def agent(self, engine, members=None, **settings):
        orders = self.orders(engine, **settings)
        return Agent(orders, members or Alone(), self.metrics, Systemd({}))

    def start(self, agent):
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, _LIMIT)
        self.addCleanup(agent.stop)
        return thread

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"vfio_placement_sync_{name}", labels)

    def lines(self):
        return self.log.output.splitlines()


class TestWhenRoundsAreMade(AgentTestCase):
    def test_the_first_round_is_made_at_once(self):
        engine = Engine()
        self.start(self.agent(engine))
        self.assertTrue(engine.made.acquire(timeout=_LIMIT))
        self.assertEqual([["compute1", "compute2"]], engine.rounds)

    def test_new_orders_are_obeyed_without_delay(self):
        first, second = Engine(), Engine()
        agent = self.agent(first)
        self.start(agent)
        self.assertTrue(first.made.acquire(timeout=_LIMIT))
        agent.obey(self.orders(second))
        self.assertTrue(second.made.acquire(timeout=_LIMIT))
        self.assertEqual(1, len(first.rounds))

    def test_new_orders_during_a_round_need_another_one_that_does_not_overlap(self):
        agent = None

        def round_with_orders(_):
            if len(engine.rounds) < 3:
                agent.obey(self.orders(engine))
            return RoundResult()

        engine = Engine(round_with_orders)
        agent = self.agent(engine)
        self.start(agent)
        for _ in range(3):
            self.assertTrue(engine.made.acquire(timeout=_LIMIT))
        self.assertFalse(engine.overlapped)

    def test_a_failed_round_is_repeated_long_before_the_interval_is_over(self):
        engine = Engine(RoundResult(errors=(CloudError("down"),)), RoundResult())
        self.start(self.agent(engine))
        for _ in range(2):
            self.assertTrue(engine.made.acquire(timeout=_LIMIT))

    def test_an_agent_that_waits_ends_at_once(self):
        engine = Engine()
        agent = self.agent(engine)
        thread = self.start(agent)
        self.assertTrue(engine.made.acquire(timeout=_LIMIT))
        agent.stop()
        thread.join(_LIMIT)
        self.assertFalse(thread.is_alive())

    @given(st.integers(0, 2000), st.integers(1, 3600))
    def test_a_failure_never_makes_the_wait_longer_than_the_interval(self, failures, interval):
        delay = backoff(failures, interval)
        self.assertTrue(0 < delay <= interval, delay)
        self.assertGreaterEqual(delay, min(interval, 2.0 ** min(max(failures, 1) - 1, 12)) - 1e-9)


class TestWrites(AgentTestCase):
    def test_no_write_begins_once_the_agent_is_to_end(self):
        seen = []

        def write_twice(writing):
            with writing("compute1") as may_write:
                seen.append(may_write)
                agent.stop()
            with writing("compute2") as may_write:
                seen.append(may_write)
            return RoundResult(is_complete=False)

        agent = self.agent(Engine(write_twice))
        agent.make_round()
        self.assertEqual([True, False], seen)
        self.assertEqual([], self.lines())

    def test_the_end_waits_for_the_write_in_hand(self):
        in_hand, go_on = threading.Event(), threading.Event()
        order = []

        def write(writing):
            with writing("compute1"):
                in_hand.set()
                go_on.wait(_LIMIT)
                order.append("written")
            return RoundResult()

        agent = self.agent(Engine(write))
        self.start(agent)
        self.assertTrue(in_hand.wait(_LIMIT))
        agent.stop()

        def end():
            self.assertFalse(agent.wait_for_writes(0.01))
            self.assertTrue(agent.wait_for_writes(_LIMIT))
            order.append("ended")

        ending = threading.Thread(target=end, daemon=True)
        ending.start()
        ending.join(0.1)
        go_on.set()
        ending.join(_LIMIT)
        self.assertEqual(["written", "ended"], order)

    def test_the_other_agents_are_asked(self):
        class Others(Alone):
            @contextlib.contextmanager
            def writing(self, name):
                yield name == "compute1"

        seen = {}

        def write(writing):
            for name in ("compute1", "compute2"):
                with writing(name) as seen[name]:
                    pass
            return RoundResult(is_complete=False)

        self.assertFalse(self.agent(Engine(write), Others()).make_round())
        self.assertEqual({"compute1": True, "compute2": False}, seen)

    def test_hosts_of_other_agents_are_left_out(self):
        class Others(Alone):
            def refresh(self, **_):
                return GroupView(members=3)

            def owns(self, name):
                return name == "compute2"

        engine = Engine()
        self.agent(engine, Others()).make_round()
        self.assertEqual([["compute2"]], engine.rounds)
        self.assertEqual(3.0, self.sample("members"))
        self.assertEqual(1.0, self.sample("hosts_owned"))

    def test_every_round_has_a_mark_of_its_own(self):
        agent = self.agent(Engine())
        agent.make_round()
        agent.make_round()
        self.assertEqual(2, self.adapters.rounds)


class TestWhatIsSaid(AgentTestCase):
    def test_a_round_without_changes_says_nothing(self):
        self.assertTrue(self.agent(Engine()).make_round())
        self.assertEqual([], self.lines())
        self.assertEqual(1.0, self.sample("rounds_total", outcome="complete"))

    def test_writes_are_one_line(self):
        result = RoundResult(providers=5, right=4, wrong=1, writes=2, conflicts=1)
        self.agent(Engine(result)).make_round()
        self.assertEqual(
            ["2 written, 4 of 5 providers right, 1 conflicts with other writers"], self.lines()
        )

    def test_news_are_said_with_their_remedy(self):
        class News:
            def __str__(self):
                return "c1_0000:81:00.0: contested: set it in nova.conf"

        self.agent(Engine(RoundResult(news=(News(),)))).make_round()
        self.assertEqual(["c1_0000:81:00.0: contested: set it in nova.conf"], self.lines())

    def test_an_outage_is_said_when_it_begins_and_when_it_ends(self):
        error = "placement cannot be reached: <object at 0x7f%d> (Request-ID: req-%036d)"
        down = [
            RoundResult(errors=(CloudError(error % (n, n)),), is_complete=False) for n in (1, 2)
        ]
        agent = self.agent(Engine(*down, RoundResult()))
        self.assertEqual([False, False, True], [agent.make_round() for _ in range(3)])
        lines = self.lines()
        self.assertEqual(2, len(lines), lines)
        self.assertTrue(lines[0].startswith("placement cannot be reached"), lines)
        self.assertTrue(lines[1].startswith("No longer: placement cannot be reached"), lines)
        self.assertEqual(2.0, self.sample("errors_total"))

    def test_an_error_of_several_lines_becomes_one(self):
        self.agent(Engine(CloudError("one\n  two"))).make_round()
        self.assertEqual(["one two"], self.lines())

    def test_a_host_that_cannot_be_read_does_not_keep_others_from_being_right(self):
        self.source.errors = (CloudError("/etc/hosts.d/compute3.conf: cannot be read"),)
        engine = Engine()
        self.assertTrue(self.agent(engine).make_round())
        self.assertEqual([["compute1", "compute2"]], engine.rounds)
        self.assertEqual(["/etc/hosts.d/compute3.conf: cannot be read"], self.lines())
        self.assertEqual(1.0, self.sample("errors_total"))
        self.assertEqual(1.0, self.sample("hosts_unreadable"))

    def test_without_any_host_that_can_be_read_the_round_fails(self):
        self.source.names = ()
        self.source.errors = (CloudError("/etc/nova/nova.conf: cannot be read"),)
        self.assertFalse(self.agent(Engine()).make_round())
        self.assertEqual(1.0, self.sample("rounds_total", outcome="failed"))

    def test_hosts_that_are_left_to_other_agents_are_for_the_next_round(self):
        agent = self.agent(Engine(RoundResult(is_complete=False), RoundResult()))
        self.assertEqual([False, True], [agent.make_round() for _ in range(2)])
        self.assertEqual(
            "hosts are left to the next round: another agent is writing to them", self.lines()[0]
        )

    def test_hosts_that_could_not_be_locked_are_left_with_the_reason(self):
        class Cut(Alone):
            trouble = "the backend does not answer"

        self.agent(Engine(RoundResult(is_complete=False)), Cut()).make_round()
        self.assertEqual(
            ["hosts are left to the next round: the backend does not answer"], self.lines()
        )

    def test_without_knowledge_of_the_other_agents_nothing_is_written(self):
        class Lost(Alone):
            def refresh(self, **_):
                raise CoordinationError("the backend does not answer")

        engine = Engine()
        self.assertFalse(self.agent(engine, Lost()).make_round())
        self.assertEqual([], engine.rounds)
        self.assertEqual(["the backend does not answer"], self.lines())

    def test_a_mistake_of_ours_does_not_end_the_agent_and_is_said_once(self):
        agent = self.agent(Engine(KeyError("x"), KeyError("x"), RoundResult()))
        self.assertFalse(agent.make_round())
        self.assertFalse(agent.make_round())
        self.assertEqual(1, self.log.output.count("should not be possible"))
        self.assertTrue(agent.make_round())

    def test_health_has_the_reason(self):
        agent = self.agent(Engine(CloudError("placement is down")), unhealthy_after=0)
        agent.make_round()
        health = agent.health()
        self.assertFalse(health.is_ok)
        self.assertIn("placement is down", health.reason)

    def test_health_and_watchdog_know_a_thread_that_has_ended(self):
        fed = []

        class Watchdog(Systemd):
            def alive(self):
                fed.append(1)

        dead = []
        agent = Agent(
            self.orders(Engine()), Alone(), self.metrics, Watchdog({}), lambda: "".join(dead)
        )
        agent.make_round()
        self.assertTrue(fed)
        self.assertTrue(agent.health().is_ok)
        fed.clear()
        dead.append("that keeps the agent in its group")
        agent.make_round()
        self.assertEqual([], fed)
        self.assertFalse(agent.health().is_ok)
        self.assertIn("the thread that keeps the agent in its group", agent.health().reason)

    def test_a_round_has_an_end(self):
        seen = []

        def write_twice(writing):
            with writing("compute1") as may_write:
                seen.append(may_write)
            agent._end_of_round = 0
            with writing("compute2") as may_write:
                seen.append(may_write)
            return RoundResult(is_complete=False)

        agent = self.agent(Engine(write_twice), round_timeout=77)
        self.assertFalse(agent.make_round())
        self.assertEqual([True, False], seen)
        self.assertEqual(
            ["hosts are left to the next round: this one took longer than round_timeout, 77 s"],
            self.lines(),
        )


class Two(Alone):
    """A group of two in which this agent is a member as long as it is able."""

    has_joined = False

    def refresh(self, *, is_able, valid_for):
        self.valid_for = valid_for
        return GroupView(2 if is_able else 1, is_able, self.has_joined)


class TestAnAgentThatCannotWork(AgentTestCase):
    def test_it_leaves_its_hosts_to_others_and_only_looks(self):
        down = RoundResult(errors=(CloudError("placement is down"),), is_complete=False)
        engine = Engine(down)
        agent = self.agent(engine, Two(), unhealthy_after=3)
        for _ in range(5):
            self.assertFalse(agent.make_round())
        self.assertEqual([False] * 3 + [True] * 2, engine.dry_runs)
        self.assertEqual(2, engine.forgot)
        self.assertEqual(0.0, self.sample("hosts_owned"))
        self.assertEqual(
            [
                "placement is down",
                "this agent failed in several rounds: 1 other agent took its hosts",
            ],
            self.lines(),
        )
        self.assertIn("placement is down", self.metrics.health(0).reason)

    def test_it_takes_them_back_when_it_can_work_and_the_others_had_their_turn(self):
        down = RoundResult(errors=(CloudError("placement is down"),), is_complete=False)
        engine = Engine(down, RoundResult())
        agent = self.agent(engine, Two(), unhealthy_after=1, interval=1, jitter=0.0)
        agent.make_round()
        self.start(agent)
        end = threading.Event()
        for _ in range(10 * _LIMIT):
            if False in engine.dry_runs[1:] or end.wait(0.1):
                break
        self.assertEqual([False, True], engine.dry_runs[:2])
        self.assertIn(False, engine.dry_runs[1:])

    def test_files_that_are_gone_are_a_reason_to_leave_them(self):
        self.source.names = ()
        self.source.errors = (CloudError("the folder is empty"),)
        engine = Engine()
        agent = self.agent(engine, Two(), unhealthy_after=2)
        for _ in range(3):
            self.assertFalse(agent.make_round())
        self.assertEqual([False, False, True], engine.dry_runs)

    def test_a_backend_that_is_away_or_a_lock_that_is_taken_is_none(self):
        class Lost(Two):
            def refresh(self, **_):
                raise CoordinationError("the backend does not answer")

        engine = Engine(RoundResult(is_complete=False))
        for members in (Lost(), Two()):
            agent = self.agent(engine, members, unhealthy_after=1)
            for _ in range(3):
                agent.make_round()
        self.assertEqual([False] * 3, engine.dry_runs)

    def test_what_was_written_before_others_had_the_hosts_is_forgotten(self):
        members, engine = Two(), Engine()
        agent = self.agent(engine, members)
        agent.make_round()
        self.assertEqual(0, engine.forgot)
        members.has_joined = True
        agent.make_round()
        self.assertEqual(1, engine.forgot)

    def test_it_says_when_it_will_have_looked_again(self):
        members = Two()
        self.agent(Engine(), members, interval=100, jitter=0.1, round_timeout=50).make_round()
        self.assertEqual(50 + 110 + 30, members.valid_for)
