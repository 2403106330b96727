// Package build adds resolved resources to the plan: functions, tables, keys,
// schedules, event sources and APIs.
//
// Each exported function handles all resources of a type and the types that
// belong to it. The catalog calls them in an order in which each finds what it
// refers to: functions come before the routes that call them.
package build
