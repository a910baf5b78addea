/* The output of `portcullisd --settings` as a struct. The parser is pure. */
#ifndef CTL_DOCTOR_SETTINGS_H
#define CTL_DOCTOR_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

enum { SETTING_NAME = 32, SETTING_OUTPUT = 1024 };

struct doctor_settings {
	char profile[PATH_MAX], state_dir[PATH_MAX], runtime_dir[PATH_MAX], openvpn_binary[PATH_MAX];
	char control_socket[PATH_MAX], password_file[PATH_MAX], log_file[PATH_MAX];
	char key_file[PATH_MAX], passphrase_file[PATH_MAX];
	char interface[SETTING_NAME], backend[SETTING_NAME], manage_dns[SETTING_NAME], lan[SETTING_NAME];
	char user[SETTING_NAME], openvpn_user[SETTING_NAME], openvpn_group[SETTING_NAME];
	char username[SETTING_NAME]; /* "" none; which it is, it does not say */
	bool answered;               /* portcullisd printed them; else they are the defaults */
	bool good;                   /* configuration and profile, in its judgement */
	char output[SETTING_OUTPUT]; /* what it printed after the settings */
};

void settings_default(struct doctor_settings *settings);

/* Reads portcullisd's output. What is not in it stays as it was in `settings`. False if it is not of that
 * form: then settings->output is empty. */
bool settings_read(struct doctor_settings *settings, const char *text);

/* Asks portcullisd, `milliseconds` at most; `config` NULL: its own. */
void settings_query(struct doctor_settings *settings, const char *config, int milliseconds);

#endif
