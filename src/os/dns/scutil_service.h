/* Our service in macOS's dynamic store. */
#ifndef OS_DNS_SCUTIL_SERVICE_H
#define OS_DNS_SCUTIL_SERVICE_H

/* Always the same one, so that the next life finds what this one left. It is
 * named like those of the system: "org.portcullis.1" in hex. */
#define DNS_SCUTIL_SERVICE "State:/Network/Service/6F72672E-706F-7274-6375-6C6C69732E31"

#endif
