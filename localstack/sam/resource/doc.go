// Package resource holds the resources of one template while it is loaded: the
// [Set] of them, the order in which they are resolved, and what a resource type
// declares about itself ([Type], [Ignored]).
package resource
