# A host that no group names is refused, and its kernel log says why; the others are not disturbed.
need_srpgw
tgtd_start 1
tgtd_target 1 16
gateway_config
sed -i 's/"\*"/"00000000000000aa*"/' $CONFIG
gateway_start
allow_dmesg 'Connection 0/[0-9]+ to .* failed'
login initiator_ext=00000000000000aa
d=$(disk 0)
load_start load "$d"
refused_login initiator_ext=00000000000000bb
expect_dmesg 'SRP LOGIN REJECTED, reason 0x00010003'
refused_login initiator_ext=00000000000000bb,ch_count=1
load_stop load
refused=$(srpgwctl status --json | jq '[.. | objects | .logins_refused_total? | numbers] | add')
[ "$refused" -ge 2 ] || fail "the gateway counts $refused refused logins, not 2"
# A port identifier that no target has.
allow_dmesg 'SRP LOGIN REJECTED'
ID_EXT=00000000000000ff
refused_login initiator_ext=00000000000000aa
