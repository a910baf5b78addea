# fish completion for portcullis(8) and portcullisd(8).
# Generated from --help by src/ctl/completions/generate.py; see there.

function __portcullis_commands
	printf '%s\n' status watch up down reconnect pause resume reload login off rules log portal import check doctor selftest enable confirm disable help
end

function __portcullis_profiles
	for file in /etc/portcullis/profiles/*.ovpn
		basename $file .ovpn
	end
end

function __portcullis_files
	__fish_complete_path (commandline -ct) | string match -er '(\.(ovpn|conf)|/)(	.*)?$'
end

# The words before the cursor that are neither options nor their values: the command, its operands.
function __portcullis_words
	set -l value 0
	for word in (commandline -opc)[2..-1]
		if test $value = 1
			set value 0
		else if contains -- $word --backend --config --confirm --dhcp-user --for --gateway --group --interface --lines --link --neighbour --openvpn-group --portal-group --remote --state --to --tunnel-address --tunnel-index --tunnel-network --user --wait -b -c -g -i -l -n -r -s -u -w
			set value 1
		else if not string match -q -- '-*' $word
			echo $word
		end
	end
end

function __portcullis_needs_command
	test (count (__portcullis_words)) -eq 0
end

# Is it this command, and, if a number is given, are so many operands there?
function __portcullis_is
	set -l words (__portcullis_words)
	test "$words[1]" = $argv[1]; or return 1
	test (count $argv) -lt 2; or test (count $words) -eq (math $argv[2] + 1)
end

complete -c portcullis -f
complete -c portcullis -n __portcullis_needs_command -a status -d 'what the gate and the tunnel are doing'
complete -c portcullis -n '__portcullis_is status' -l json -d 'print a JSON object instead of text'
complete -c portcullis -n '__portcullis_is status' -s w -l wait -x -a '30s 5m 15m 1h' -d 'wait until the gate is open or nothing more will happen'
complete -c portcullis -n '__portcullis_is status' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a watch -d 'the same, live, one line for every change'
complete -c portcullis -n '__portcullis_is watch' -l json -d 'print a JSON object instead of text'
complete -c portcullis -n '__portcullis_is watch' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a up -d 'bring the VPN up and keep it up; ends off and pause'
complete -c portcullis -n '__portcullis_is up' -s w -l wait -f -a '30s 5m 15m 1h' -d 'return when it is complete, or after DURATION (exit status 1)'
complete -c portcullis -n '__portcullis_is up' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a down -d 'take the VPN down; the gate stays shut'
complete -c portcullis -n '__portcullis_is down' -s w -l wait -f -a '30s 5m 15m 1h' -d 'return when it is complete, or after DURATION (exit status 1)'
complete -c portcullis -n '__portcullis_is down' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a reconnect -d 'start a new attempt now'
complete -c portcullis -n '__portcullis_is reconnect' -s w -l wait -f -a '30s 5m 15m 1h' -d 'return when it is complete, or after DURATION (exit status 1)'
complete -c portcullis -n '__portcullis_is reconnect' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a pause -d 'let traffic out in the clear for a limited time'
complete -c portcullis -n '__portcullis_is pause' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is pause 0' -a '5m 15m 1h'
complete -c portcullis -n __portcullis_needs_command -a resume -d 'end a pause now'
complete -c portcullis -n '__portcullis_is resume' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a reload -d 'read configuration, profile and password file again'
complete -c portcullis -n '__portcullis_is reload' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a login -d 'answer what the server asks, such as a code; root only'
complete -c portcullis -n '__portcullis_is login' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a off -d 'remove the rules: traffic leaves in the clear; root only'
complete -c portcullis -n '__portcullis_is off' -l offline -d 'without portcullisd: end it, remove the rules'
complete -c portcullis -n '__portcullis_is off' -l persist -d 'stay off across a reboot, until portcullis up'
complete -c portcullis -n '__portcullis_is off' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a rules -d 'print the firewall\'s rules; changes nothing'
complete -c portcullis -n '__portcullis_is rules' -s b -l backend -x -a 'nft pf ipfw' -d 'nft (default on this platform), pf or ipfw'
complete -c portcullis -n '__portcullis_is rules' -l state -x -a 'locked dialling open' -d 'locked (default), dialling or open'
complete -c portcullis -n '__portcullis_is rules' -s r -l remote -x -d 'the server: ADDR:PORT/PROTO or [ADDR]:PORT/PROTO'
complete -c portcullis -n '__portcullis_is rules' -s i -l interface -x -a '(__fish_print_interfaces)' -d 'the tunnel\'s interface (default tun0)'
complete -c portcullis -n '__portcullis_is rules' -l tunnel-address -x -d 'the tunnel\'s address; once for each family'
complete -c portcullis -n '__portcullis_is rules' -l tunnel-network -x -d 'a network of the tunnel; may be repeated'
complete -c portcullis -n '__portcullis_is rules' -s l -l link -x -a '(__fish_print_interfaces)' -d 'a physical link; may be repeated'
complete -c portcullis -n '__portcullis_is rules' -l neighbour -x -d 'an IPv6 prefix on a link; may be repeated'
complete -c portcullis -n '__portcullis_is rules' -l lan -d 'as lan = true'
complete -c portcullis -n '__portcullis_is rules' -l gateway -x -a '(__fish_print_interfaces)' -d 'a LAN-side link of a gateway; may be repeated'
complete -c portcullis -n '__portcullis_is rules' -s g -l group -x -a '(__fish_complete_groups)' -d 'openvpn\'s group (default _openvpn)'
complete -c portcullis -n '__portcullis_is rules' -s u -l user -x -a '(__fish_complete_users)' -d 'the driver\'s user (default _portcullis)'
complete -c portcullis -n '__portcullis_is rules' -l dhcp-user -x -a '(__fish_complete_users)' -d 'the DHCP client\'s user, in addition to root'
complete -c portcullis -n '__portcullis_is rules' -l portal-group -x -a '(__fish_complete_groups)' -d 'nft: the group that may use a portal'
complete -c portcullis -n '__portcullis_is rules' -l tunnel-index -x -d 'nft: the tunnel\'s interface by its index'
complete -c portcullis -n '__portcullis_is rules' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a log -d 'the last lines of the log'
complete -c portcullis -n '__portcullis_is log' -s f -l follow -d 'print lines as they are added, until interrupted'
complete -c portcullis -n '__portcullis_is log' -s n -l lines -x -d 'the last N lines (default 50, at most 10000)'
complete -c portcullis -n '__portcullis_is log' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a portal -d 'log in to a captive portal, without opening anything else'
complete -c portcullis -n '__portcullis_is portal' -l any -d 'ports 80 and 443 of every address, not only of private ones'
complete -c portcullis -n '__portcullis_is portal' -l for -x -a '30s 5m 15m 1h' -d 'how long, at most 15m (default 5m)'
complete -c portcullis -n '__portcullis_is portal' -s u -l user -x -a '(__fish_complete_users)' -d 'whose program it is (default: who called sudo)'
complete -c portcullis -n '__portcullis_is portal' -l end -d 'shut the portal that is open, and run nothing'
complete -c portcullis -n '__portcullis_is portal' -l probe -d 'only find out whether a portal answers, by curl(1)'
complete -c portcullis -n '__portcullis_is portal' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is portal 0' -a '(__portcullis_commands)'
complete -c portcullis -n __portcullis_needs_command -a import -d 'vet a profile and write a canonical copy; root only'
complete -c portcullis -n '__portcullis_is import' -l to -x -a '(__fish_complete_directories)' -d 'the directory to write to (default /etc/portcullis/profiles)'
complete -c portcullis -n '__portcullis_is import' -l tunnelblick -f -a '(__fish_complete_directories)' -d 'list Tunnelblick\'s configurations, here or on the disk at ROOT; imports nothing'
complete -c portcullis -n '__portcullis_is import' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is import 0' -a '(__portcullis_files)'
complete -c portcullis -n __portcullis_needs_command -a check -d 'check a profile, or the configuration and the kernel'
complete -c portcullis -n '__portcullis_is check' -s c -l config -r -F -d 'the configuration (default: portcullisd\'s)'
complete -c portcullis -n '__portcullis_is check' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is check 0' -a '(__portcullis_files)'
complete -c portcullis -n __portcullis_needs_command -a doctor -d 'check everything that can keep it from working or being safe'
complete -c portcullis -n '__portcullis_is doctor' -s c -l config -r -F -d 'the configuration (default: portcullisd\'s)'
complete -c portcullis -n '__portcullis_is doctor' -l json -d 'print one JSON object instead of text'
complete -c portcullis -n '__portcullis_is doctor' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a selftest -d 'test what this system\'s firewall really does; prints a report'
complete -c portcullis -n '__portcullis_is selftest' -l lock -d 'lock this machine for some seconds and test what passes; root only'
complete -c portcullis -n '__portcullis_is selftest' -l openvpn-group -x -a '(__fish_complete_groups)' -d 'the group used to test the hole (default: _openvpn)'
complete -c portcullis -n '__portcullis_is selftest' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a enable -d 'keep this machine shut from every boot on; root only'
complete -c portcullis -n '__portcullis_is enable' -l confirm -x -a '30s 5m 15m 1h' -d 'take all of it back after DURATION, or at a reboot, unless confirmed'
complete -c portcullis -n '__portcullis_is enable' -l remote -d 'go on without --confirm, though this session over the network will end'
complete -c portcullis -n '__portcullis_is enable' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is enable 0' -a '(__portcullis_profiles; __portcullis_files)'
complete -c portcullis -n __portcullis_needs_command -a confirm -d 'keep what enable --confirm has done; root only'
complete -c portcullis -n '__portcullis_is confirm' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a disable -d 'undo enable: no services, no rules; root only'
complete -c portcullis -n '__portcullis_is disable' -l purge -d 'also remove the users, the state directory and the log'
complete -c portcullis -n '__portcullis_is disable' -l unconfirmed -d 'only if nobody has confirmed enable --confirm; and restore portcullis.conf'
complete -c portcullis -n '__portcullis_is disable' -s h -l help -d 'what it takes'
complete -c portcullis -n __portcullis_needs_command -a help -d 'this list, or a command\'s options'
complete -c portcullis -n '__portcullis_is help' -s h -l help -d 'what it takes'
complete -c portcullis -n '__portcullis_is help 0' -a '(__portcullis_commands)'
complete -c portcullis -n __portcullis_needs_command -s s -r -F -d 'the control socket'
complete -c portcullis -n __portcullis_needs_command -s V -l version -d 'the version'
complete -c portcullis -n __portcullis_needs_command -s h -l help -d 'the commands'

complete -c portcullisd -f
complete -c portcullisd -s d -d 'stay in the foreground, log to stderr too'
complete -c portcullisd -s n -d 'check configuration and profile, create nothing'
complete -c portcullisd -s L -d 'lock the gate and exit (boot)'
complete -c portcullisd -s c -r -F -d 'the configuration; default /etc/portcullis/portcullis.conf'
complete -c portcullisd -l version -d 'the version'
complete -c portcullisd -l help -d 'the options'
