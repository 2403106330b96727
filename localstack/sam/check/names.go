package check

import (
	"path"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Names refuses two resources of one type with the same physical name.
func Names(s *resource.Set) {
	owner := map[string]*template.Resource{}
	for _, res := range s.Order {
		t := s.Types[res.Type]
		if t == nil || t.Naming == nil || !res.Active() || res.Name == "" {
			continue
		}
		key := res.Type + " " + res.Name
		at := res.Properties.Get(t.Naming.Property)
		if at == nil {
			at = res.At
		}
		if other := owner[key]; other != nil {
			sameTemplate := path.Dir(s.LogicalID(other)) == path.Dir(s.LogicalID(res))
			if sameTemplate && sameSource(other.Properties.Get(t.Naming.Property), at) {
				continue // both are from Globals, which refuses the property
			}
			s.Fail(at, "the name "+template.Quote(res.Name)+" is already used by "+s.LogicalID(other),
				"give each its own name")
		}
		owner[key] = res
	}
}

func sameSource(a, b *template.Value) bool {
	return a != nil && a.Line == b.Line && a.Column == b.Column
}
