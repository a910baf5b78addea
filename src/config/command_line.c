/* portcullisd's command line. */
#include "config/command_line.h"

#include <getopt.h>
#include <stdio.h>

#include "base/shown.h"

static const char usage[] =
    "usage: portcullisd [-d] [-n] [-L] [-c FILE]\n"
    "  -d       stay in the foreground, log to stderr too\n"
    "  -n       check configuration and profile, create nothing\n"
    "  -L       lock the gate and exit (boot)\n"
    "  -c FILE  the configuration; default " PORTCULLIS_SYSCONFDIR "/portcullis/portcullis.conf\n"
    "  --settings, --version, --help\n"
    "See portcullisd(8).\n";

int command_line_read(int argc, char **argv, struct command_line *to)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"settings", no_argument, NULL, 'S'},
					      {NULL, 0, NULL, 0}};
	int letter;

	*to = (struct command_line){.file = PORTCULLIS_SYSCONFDIR "/portcullis/portcullis.conf"};
	while ((letter = getopt_long(argc, argv, "dnLc:h", longs, NULL)) != -1) {
		switch (letter) {
		case 'd':
			to->foreground = true;
			break;
		case 'n':
			to->check = true;
			break;
		case 'L':
			to->lock = true;
			break;
		case 'S':
			to->check = to->settings = true;
			break;
		case 'c':
			to->file = optarg;
			break;
		case 'V':
			puts("portcullisd " PORTCULLIS_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 1;
		}
	}
	if (optind < argc) {
		shown_print(stderr, "portcullisd: unexpected argument \"%s\"; see portcullisd --help",
			    argv[optind]);
		return 1;
	}
	return -1;
}
