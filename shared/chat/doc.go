// Package chat holds the nouns of Sotto: users, devices, connections,
// sessions, rooms and messages with their typed identifiers, the limits, and
// the closed list of errors a client can see. Everything else in the service
// speaks in these terms. It does no I/O and imports the standard library only.
package chat
