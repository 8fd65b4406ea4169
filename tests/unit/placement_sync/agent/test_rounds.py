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

from placement_sync.agent.members import Alone, CoordinationError
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
        self.made = threading.Semaphore(0)
        self.running = 0
        self.overlapped = False

    def run_round(self, hosts, *, with_flavors, writing):
        self.running += 1
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

    def mark_round(self):
        self.rounds += 1


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
            agent.wait_for_writes()
            order.append("ended")

        ending = threading.Thread(target=end, daemon=True)
        ending.start()
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
            def refresh(self):
                return 3

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
        self.assertIn("another agent writes to them", self.lines()[0])

    def test_without_knowledge_of_the_other_agents_nothing_is_written(self):
        class Lost(Alone):
            def refresh(self):
                raise CoordinationError("the backend does not answer")

        engine = Engine()
        self.assertFalse(self.agent(engine, Lost()).make_round())
        self.assertEqual([], engine.rounds)
        self.assertEqual(["the backend does not answer"], self.lines())

    def test_a_mistake_of_ours_does_not_end_the_agent(self):
        agent = self.agent(Engine(KeyError("x"), RoundResult()))
        self.assertFalse(agent.make_round())
        self.assertIn("should not be possible", self.log.output)
        self.assertTrue(agent.make_round())

    def test_health_has_the_reason(self):
        agent = self.agent(Engine(CloudError("placement is down")), unhealthy_after=0)
        agent.make_round()
        health = agent.health()
        self.assertFalse(health.is_ok)
        self.assertIn("placement is down", health.reason)
