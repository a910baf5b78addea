/* Messages about lines that are refused or stripped. */
#include "profile/parser.h"

#include <string.h>

#include "base/shown.h"
#include "base/text.h"

int parser_refuse(struct parser *parser, const char *option, const char *reason)
{
	char quoted[QUOTED_SIZE], name[300];

	text_escape(quoted, sizeof quoted, option, strlen(option));
	return err_set(parser->e, "%s:%d: %s: %s", shown(name, sizeof name, parser->source->name),
		       parser->lines.number, quoted, reason);
}

void parser_notice(struct parser *parser, const char *option, const char *reason)
{
	if (parser->source->notice != NULL)
		parser->source->notice(parser->lines.number, option, reason, parser->source->argument);
}
