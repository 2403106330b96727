// Package chat holds the nouns of Sotto: users, devices, connections,
// sessions, rooms and messages with their typed identifiers, the limits, and
// the closed list of errors that a client can see. All other packages use these
// types. It does no I/O and imports the standard library only.
package chat
