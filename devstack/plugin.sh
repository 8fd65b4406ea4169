#!/bin/bash
#
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
#
# DevStack plugin: the client, the guard, the corrections of nova-compute, the placement sync agent and
# the panel of the dashboard. DevStack sources this once for each phase.

function vfio_lm_install {
    local extras=""
    if is_service_enabled n-cpu; then
        extras+=",compute"
    fi
    if is_service_enabled vfio-sync; then
        extras+=",sync"
    fi
    if [[ -n "$extras" ]]; then
        setup_develop "$VFIO_LM_DIR" "${extras#,}"
    else
        setup_develop "$VFIO_LM_DIR"
    fi
}

# Write lines as values of one option that may be repeated.
function vfio_lm_set_lines {
    local file=$1 section=$2 option=$3 lines=$4
    local values=() line
    while IFS= read -r line; do
        if [[ -n "${line//[[:space:]]/}" ]]; then
            values+=("$line")
        fi
    done <<< "$lines"
    if [[ ${#values[@]} -gt 0 ]]; then
        iniset_multiline "$file" "$section" "$option" "${values[@]}"
    fi
}

# nova-cpu.conf is made of nova.conf when nova-compute starts.
function vfio_lm_configure_nova {
    vfio_lm_set_lines "$NOVA_CONF" pci device_spec "$VFIO_LM_DEVICE_SPECS"
    vfio_lm_set_lines "$NOVA_CONF" pci alias "$VFIO_LM_ALIASES"
    # VFIO devices cannot be migrated by post-copy.
    iniset "$NOVA_CONF" libvirt live_migration_permit_post_copy False
    if [[ "$VFIO_LM_REPORT_IN_PLACEMENT" == "True" ]]; then
        echo "openstack-vfio-lm: nova reports PCI devices in placement from now on; this cannot be turned off"
        iniset "$NOVA_CONF" pci report_in_placement True
        iniset "$NOVA_CONF" filter_scheduler pci_in_placement True
    fi
    # DevStack fixes the command of nova-compute.
    iniset "$NOVA_CONF_DIR/vfio-lm.conf" vfio_lm corrections "$VFIO_LM_CORRECTIONS_WANTED"
}

function vfio_lm_configure_agent {
    sudo install -d -o "$STACK_USER" "$(dirname "$VFIO_LM_CONF")"
    # it gets a password
    install -m 0640 /dev/null "$VFIO_LM_CONF"
    # nova-compute's own file is there only once it has started
    iniset "$VFIO_LM_CONF" vfio_placement_sync nova_conf "$NOVA_CPU_CONF"
    configure_keystoneauth "$VFIO_LM_CONF" vfio-placement-sync placement
}

function vfio_lm_configure_horizon {
    local panel=$VFIO_LM_DIR/horizon_panel local=$HORIZON_DIR/openstack_dashboard/local
    ln -sf "$panel"/enabled/_2155*.py "$local/enabled/"
    ln -sf "$panel"/local_settings.d/_2155*.py "$local/local_settings.d/"
}

function vfio_lm_start {
    local bin
    bin=$(get_python_exec_prefix)
    if is_service_enabled n-cpu && [[ "$VFIO_LM_GUARD" == "True" ]]; then
        sudo "$bin/vfio-lm-host" hook install
    fi
    if is_service_enabled vfio-sync; then
        run_process vfio-sync "$bin/vfio-placement-sync --config-file $VFIO_LM_CONF"
    fi
}

function vfio_lm_stop {
    if is_service_enabled vfio-sync; then
        stop_process vfio-sync
    fi
}

function vfio_lm_clean {
    local bin
    bin=$(get_python_exec_prefix)
    if [[ -x "$bin/vfio-lm-host" ]]; then
        sudo "$bin/vfio-lm-host" hook uninstall || true
    fi
    rm -f "$NOVA_CONF_DIR/vfio-lm.conf" "$VFIO_LM_CONF"
    rm -f "$HORIZON_DIR"/openstack_dashboard/local/{enabled,local_settings.d}/_2155*.py
}

if [[ "$1" == "stack" && "$2" == "install" ]]; then
    vfio_lm_install
elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
    if is_service_enabled nova; then
        vfio_lm_configure_nova
    fi
    if is_service_enabled vfio-sync; then
        if is_service_enabled key; then
            create_service_user vfio-placement-sync admin
        fi
        vfio_lm_configure_agent
    fi
    if is_service_enabled horizon; then
        vfio_lm_configure_horizon
    fi
elif [[ "$1" == "stack" && "$2" == "extra" ]]; then
    vfio_lm_start
elif [[ "$1" == "unstack" ]]; then
    vfio_lm_stop
elif [[ "$1" == "clean" ]]; then
    vfio_lm_clean
fi
