/* Is there a captive portal? What becomes of a page that is known. */
#include "ctl/portal/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* curl(1), EXIT CODES; 126 and 127 are those of a program that can't be started. */
enum { CURL_RESOLVE = 6, CURL_CONNECT = 7, CURL_TIME = 28, NOT_RUN = 126 };

char *const probe_arguments[] = {
    (char[]){"curl"},    (char[]){"-qs"},
    (char[]){"-m"},      (char[]){"10"},
    (char[]){"-o"},      (char[]){"/dev/null"},
    (char[]){"-w"},      (char[]){"%{http_code},%header{x-networkmanager-status},%{redirect_url}\n"},
    (char[]){PROBE_URL}, NULL};

static const char *why_no_answer(int status, bool any)
{
	if (status >= NOT_RUN)
		return "curl can't be run; instead: install curl";
	if (status == CURL_RESOLVE)
		return "no resolver of the local network answers: no portal is found, perhaps the network is "
		       "down";
	if (status != CURL_CONNECT && status != CURL_TIME)
		return "what answers is not a web server: perhaps a portal that is broken";
	return any ? "nothing answers: there is no portal here, and no way out for web pages either"
		   : "the page is not in the local network: no portal gives itself out for it; instead: sudo "
		     "portcullis portal --any --probe";
}

bool probe_judge(const char *said, int status, bool any, char *to, size_t size)
{
	const char *header = strchr(said, ','), *url = header != NULL ? strchr(header + 1, ',') : NULL;
	int code = (int)strtol(said, NULL, 10), length = url != NULL ? (int)strcspn(++url, "\n") : 0;

	if (status != 0 || url == NULL || code <= 0) {
		text_copy(to, size, why_no_answer(status, any));
		return false;
	}
	if (code / 100 == 2 && strncmp(header, ",online,", sizeof ",online," - 1) == 0) {
		text_copy(to, size, "no portal: web pages come as they are");
		return true;
	}
	snprintf(to, size, "a portal answers (HTTP %d%s%.*s); instead: sudo portcullis portal%s", code,
		 length > 0 ? ", " : "", length, url, any ? " --any" : "");
	return false;
}
