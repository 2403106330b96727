package iam

import "testing"

func TestManagedPoliciesAreWellFormed(t *testing.T) {
	for name := range managed {
		if _, known := managedPolicy("arn:aws:iam::aws:policy/service-role/" + name); !known {
			t.Errorf("managedPolicy does not know %s", name)
		}
	}
}
