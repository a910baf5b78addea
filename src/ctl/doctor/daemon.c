/* The doctor on the daemon: does it answer, in which state is the gate, is there an off marker? */
#include <unistd.h>

#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"
#include "os/host/off_marker.h"

void doctor_daemon(struct doctor *doctor)
{
	const char *version = doctor_status(doctor, "version");
	struct finding finding = {.subject = ""};

	if (doctor->status == NULL && doctor->status_failed && geteuid() != 0)
		finding_set(&finding, DOCTOR_UNKNOWN, "sudo portcullis doctor, or control.group",
			    "you may not query it, or it does not answer");
	else if (doctor->status == NULL && doctor->status_failed)
		finding_set(&finding, DOCTOR_FAIL, "portcullis status; portcullis log",
			    "it accepts connections, but does not answer");
	else if (doctor->status == NULL)
		finding_set(&finding, DOCTOR_FAIL, "start it: this system's service, or portcullisd",
			    "not running: nothing watches the gate, and there is no VPN");
	else
		finding_set(&finding, DOCTOR_FINE, NULL, "running, version %s",
			    version != NULL ? version : "unknown");
	doctor_report(doctor, &finding);
}

void doctor_gate(struct doctor *doctor)
{
	const char *gate = doctor_status(doctor, "gate");
	struct finding finding = {.subject = ""};

	if (gate == NULL)
		finding_set(&finding, DOCTOR_UNKNOWN, "see the check of the daemon",
			    "its state is not known");
	else
		judge_gate(gate, doctor_status(doctor, "tunnel"), doctor_status(doctor, "reason"), &finding);
	doctor_report(doctor, &finding);
}

void doctor_off(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};

	if (off_marker_valid())
		finding_set(&finding, DOCTOR_WARN, "portcullis up, when you want the gate back",
			    "is set (" OFF_MARKER_BOOT " or " OFF_MARKER_PERSIST
			    "): portcullisd stays off, and traffic leaves in the clear");
	else
		finding_set(&finding, DOCTOR_FINE, NULL, "not set");
	doctor_report(doctor, &finding);
}
