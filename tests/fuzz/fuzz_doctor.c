/* Foreign text that the doctor reads: the first byte chooses the decoder; then what is judged and printed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "ctl/doctor/judge.h"
#include "os/service/machine_initrd.h"
#include "os/service/machine_systemd.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void read_certificates(const char *text)
{
	const char *at = text;
	struct pem pem = {.block = ""};
	struct certificate certificate;
	struct finding finding = {.subject = ""};

	while (pem_next(&at, &pem)) {
		check(pem.begin >= text && pem.begin + pem.length <= text + strlen(text));
		check(at >= pem.begin + pem.length);
	}
	if (certificate_read(text, &certificate))
		judge_certificate(&certificate, false, 0, &finding);
}

static void read_network(const char *text)
{
	struct net_address servers[3];
	struct finding finding = {.subject = ""};
	char value[8] = "";
	size_t count = resolv_read(text, servers, 3);

	for (int kind = MACHINE_SYSTEM; kind <= MACHINE_NO_RESOLVER; kind++)
		judge_resolver(servers, count < 3 ? count : 3, (enum machine_resolver)kind, true, &finding);
	(void)keyfile_get(text, "connectivity", "uri", value, sizeof value);
	check(strlen(value) < sizeof value);
}

static void read_tools(const char *text)
{
	struct machine_fact fact;
	struct finding finding = {.subject = ""};
	unsigned part[3];

	if (version_read(text, part))
		judge_version(part, false, &finding);
	systemd_boot(text, &fact);
	(void)systemd_runs(text, "wg-quick@*");
	if (systemd_nftables_keeps(text))
		check(strstr(text, "/" SYSTEMD_NFTABLES_DROP_IN) != NULL);
	initrd_judge(&(struct initrd){.tool = true, .cmdline = text}, &fact);
	check(fact.answer == MACHINE_YES || strstr(text, "root=/dev/nfs") != NULL);
}

static void read_settings(const char *text)
{
	static struct doctor_settings settings;
	char safe[4 * DOCTOR_TEXT];

	settings_default(&settings);
	(void)settings_read(&settings, text);
	check(strlen(settings.profile) < sizeof settings.profile);
	shown(safe, sizeof safe, settings.output);
	check(shown_is_plain(safe));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *) = {read_certificates, read_network, read_tools,
							read_settings};
	char *text;

	if (size == 0 || (text = strndup((const char *)data + 1, size - 1)) == NULL)
		return 0;
	readers[data[0] % 4](text);
	free(text);
	return 0;
}
