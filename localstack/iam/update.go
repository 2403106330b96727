package iam

import (
	"fmt"
	"maps"
	"slices"
)

// Update replaces the roles and the resource-based policies, from the next
// request on, and begins to count their uses anew. An error changes nothing.
func (g *Guard) Update(roles map[string]Role, resources map[string][]Statement) error {
	commit, err := g.Prepare(roles, resources)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare is the first half of [Guard.Update]: it compiles the policies and
// changes nothing. The second half is commit, which cannot fail. To abandon the
// update, do not call it.
func (g *Guard) Prepare(roles map[string]Role, resources map[string][]Statement) (commit func(), err error) {
	next := &policies{roles: map[string]*role{}, resources: map[string][]*statement{}}
	for _, function := range slices.Sorted(maps.Keys(roles)) {
		r, err := g.compileRole(function, roles[function])
		if err != nil {
			return nil, fmt.Errorf("iam: role of function %s: %w", function, err)
		}
		next.roles[function] = r
	}
	for _, arn := range slices.Sorted(maps.Keys(resources)) {
		list, err := compileAll(resources[arn], false)
		if err != nil {
			return nil, fmt.Errorf("iam: policy of %s: %w", arn, err)
		}
		next.resources[arn] = list
	}
	return func() {
		g.known.Store(next)
		g.uses.reset()
	}, nil
}
