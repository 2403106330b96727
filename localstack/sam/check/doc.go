// Package check refuses what AWS refuses when it creates a resource, and what
// cannot run on this machine. A shape does not express these rules: they
// concern several properties, a grammar or the file system.
package check
