#compdef portcullis portcullisd
# zsh completion for portcullis(8) and portcullisd(8).
# Generated from --help by src/ctl/completions/generate.py; see there.

_portcullis_commands() {
	local -a commands
	commands=(
	    'status:what the gate and the tunnel are doing'
	    'watch:the same, live, one line for every change'
	    'up:bring the VPN up and keep it up; ends off and pause'
	    'down:take the VPN down; the gate stays shut'
	    'reconnect:start a new attempt now'
	    'pause:let traffic out in the clear for a limited time'
	    'resume:end a pause now'
	    'reload:read configuration, profile and password file again'
	    'login:answer what the server asks, such as a code; root only'
	    'off:remove the rules\: traffic leaves in the clear; root only'
	    'rules:print the firewall'\''s rules; changes nothing'
	    'log:the last lines of the log'
	    'portal:log in to a captive portal, without opening anything else'
	    'import:vet a profile and write a canonical copy; root only'
	    'check:check a profile, or the configuration and the kernel'
	    'doctor:check everything that can keep it from working or being safe'
	    'selftest:test what this system'\''s firewall really does; prints a report'
	    'enable:keep this machine shut from every boot on; root only'
	    'confirm:keep what enable --confirm has done; root only'
	    'disable:undo enable\: no services, no rules; root only'
	    'help:this list, or a command'\''s options'
	)
	_describe -t commands command commands
}

_portcullis_profiles() {
	local -a profiles
	profiles=(/etc/portcullis/profiles/*.ovpn(N:t:r))
	_alternative 'profiles:imported profile:compadd -a profiles' 'files:profile:_files -g "*.(ovpn|conf)(-.,-/)"'
}

_portcullis_takes() {
	case $1 in
	status)
		_arguments -s '--json[print a JSON object instead of text]' \
		    '(-w --wait)-w[wait until the gate is open or nothing more will happen]:value:(30s 5m 15m 1h)' \
		    '(-w --wait)--wait=[wait until the gate is open or nothing more will happen]:value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	watch)
		_arguments -s '--json[print a JSON object instead of text]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	up)
		_arguments -s '(-w --wait)-w[return when it is complete, or after DURATION (exit status 1)]' \
		    '(-w --wait)--wait=-[return when it is complete, or after DURATION (exit status 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	down)
		_arguments -s '(-w --wait)-w[return when it is complete, or after DURATION (exit status 1)]' \
		    '(-w --wait)--wait=-[return when it is complete, or after DURATION (exit status 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	reconnect)
		_arguments -s '(-w --wait)-w[return when it is complete, or after DURATION (exit status 1)]' \
		    '(-w --wait)--wait=-[return when it is complete, or after DURATION (exit status 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	pause)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:(5m 15m 1h)'
		;;
	resume)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	reload)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	login)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	off)
		_arguments -s '--offline[without portcullisd\: end it, remove the rules]' \
		    '--persist[stay off across a reboot, until portcullis up]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	rules)
		_arguments -s '(-b --backend)-b[nft (default on this platform), pf or ipfw]:value:(nft pf ipfw)' \
		    '(-b --backend)--backend=[nft (default on this platform), pf or ipfw]:value:(nft pf ipfw)' \
		    '--state=[locked (default), dialling or open]:value:(locked dialling open)' \
		    '(-r --remote)-r[the server\: ADDR\:PORT/PROTO or \[ADDR\]\:PORT/PROTO]:value: ' \
		    '(-r --remote)--remote=[the server\: ADDR\:PORT/PROTO or \[ADDR\]\:PORT/PROTO]:value: ' \
		    '(-i --interface)-i[the tunnel'\''s interface (default tun0)]:value:_net_interfaces' \
		    '(-i --interface)--interface=[the tunnel'\''s interface (default tun0)]:value:_net_interfaces' \
		    '--tunnel-address=[the tunnel'\''s address; once for each family]:value: ' \
		    '--tunnel-network=[a network of the tunnel; may be repeated]:value: ' \
		    '(-l --link)-l[a physical link; may be repeated]:value:_net_interfaces' \
		    '(-l --link)--link=[a physical link; may be repeated]:value:_net_interfaces' \
		    '--neighbour=[an IPv6 prefix on a link; may be repeated]:value: ' \
		    '--lan[as lan = true]' \
		    '--gateway=[a LAN-side link of a gateway; may be repeated]:value:_net_interfaces' \
		    '(-g --group)-g[openvpn'\''s group (default _openvpn)]:value:_groups' \
		    '(-g --group)--group=[openvpn'\''s group (default _openvpn)]:value:_groups' \
		    '(-u --user)-u[the driver'\''s user (default _portcullis)]:value:_users' \
		    '(-u --user)--user=[the driver'\''s user (default _portcullis)]:value:_users' \
		    '--dhcp-user=[the DHCP client'\''s user, in addition to root]:value:_users' \
		    '--portal-group=[nft\: the group that may use a portal]:value:_groups' \
		    '--tunnel-index=[nft\: the tunnel'\''s interface by its index]:value: ' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	log)
		_arguments -s '(-f --follow)-f[print lines as they are added, until interrupted]' \
		    '(-f --follow)--follow[print lines as they are added, until interrupted]' \
		    '(-n --lines)-n[the last N lines (default 50, at most 10000)]:value: ' \
		    '(-n --lines)--lines=[the last N lines (default 50, at most 10000)]:value: ' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	portal)
		_arguments -s '--any[ports 80 and 443 of every address, not only of private ones]' \
		    '--for=[how long, at most 15m (default 5m)]:value:(30s 5m 15m 1h)' \
		    '(-u --user)-u[whose program it is (default\: who called sudo)]:value:_users' \
		    '(-u --user)--user=[whose program it is (default\: who called sudo)]:value:_users' \
		    '--end[shut the portal that is open, and run nothing]' \
		    '--probe[only find out whether a portal answers, by curl(1)]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_portcullis_commands'
		;;
	import)
		_arguments -s '--to=[the directory to write to (default /etc/portcullis/profiles)]:value:_files -/' \
		    '--tunnelblick=-[list Tunnelblick'\''s configurations, here or on the disk at ROOT; imports nothing]::value:_files -/' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_files -g '\''*.(ovpn|conf)(-.,-/)'\''' \
		    '2:operand: '
		;;
	check)
		_arguments -s '(-c --config)-c[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-c --config)--config=[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_files -g '\''*.(ovpn|conf)(-.,-/)'\'''
		;;
	doctor)
		_arguments -s '(-c --config)-c[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-c --config)--config=[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '--json[print one JSON object instead of text]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	selftest)
		_arguments -s '--lock[lock this machine for some seconds and test what passes; root only]' \
		    '--openvpn-group=[the group used to test the hole (default\: _openvpn)]:value:_groups' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	enable)
		_arguments -s '--confirm=[take all of it back after DURATION, or at a reboot, unless confirmed]:value:(30s 5m 15m 1h)' \
		    '--remote[go on without --confirm, though this session over the network will end]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_portcullis_profiles'
		;;
	confirm)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	disable)
		_arguments -s '--purge[also remove the users, the state directory and the log]' \
		    '--unconfirmed[only if nobody has confirmed enable --confirm; and restore portcullis.conf]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	help)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_portcullis_commands'
		;;
	esac
}

_portcullisd() {
	_arguments -s '-d[stay in the foreground, log to stderr too]' \
	    '-n[check configuration and profile, create nothing]' \
	    '-L[lock the gate and exit (boot)]' \
	    '-c[the configuration; default /etc/portcullis/portcullis.conf]:value:_files' \
	    '--version[the version]' \
	    '--help[the options]'
}

_portcullis() {
	local curcontext=$curcontext state line
	local -A opt_args
	if [[ $service == portcullisd ]]; then
		_portcullisd
		return
	fi
	_arguments -C '-s[the control socket]:socket:_files' '(- *)'{-V,--version}'[the version]' \
	    '(- *)'{-h,--help}'[the commands]' '1:command:_portcullis_commands' '*::argument:->argument' && return 0
	[[ $state == argument ]] && _portcullis_takes $line[1]
}

_portcullis "$@"
