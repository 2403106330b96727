package kms

import (
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

type createGrantInput struct {
	KeyId             string
	Name              string
	GranteePrincipal  string
	RetiringPrincipal string
	Operations        []string
	Constraints       *grantConstraints
	DryRun            bool
}

func (in createGrantInput) names() (string, []byte) { return in.KeyId, nil }

func (in createGrantInput) check() error {
	switch {
	case in.GranteePrincipal == "":
		return errNull("granteePrincipal")
	case len(in.Operations) == 0:
		return errNull("operations")
	case in.Name != "" && !grantNamePattern.MatchString(in.Name):
		return errConstraint("name", "must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	}
	for _, operation := range in.Operations {
		if !slices.Contains(allGrantOperations, operation) {
			return errConstraint("operations", "must satisfy constraint: [Member must satisfy enum value set: ["+
				strings.Join(allGrantOperations, ", ")+"]]")
		}
	}
	if err := checkPrincipal(in.GranteePrincipal); err != nil {
		return err
	}
	if in.RetiringPrincipal != "" {
		return checkPrincipal(in.RetiringPrincipal)
	}
	return nil
}

type createGrantOutput struct {
	GrantId    string
	GrantToken string
}

// createGrant returns the grant that exists if one of the same name has the
// same members; without a name every call makes a new one.
func (s *Service) createGrant(in createGrantInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	for _, operation := range in.Operations {
		if !k.grantable(operation) {
			return nil, errValidation("Operation %s is not supported by a key of spec %s for %s.",
				operation, k.spec, k.usage)
		}
	}
	id, err := newGrantID()
	if err != nil {
		return nil, err
	}
	made := grant{
		ID:                id,
		Name:              in.Name,
		GranteePrincipal:  in.GranteePrincipal,
		RetiringPrincipal: in.RetiringPrincipal,
		Operations:        slices.Clone(in.Operations),
		Created:           time.Now().UTC(),
	}
	if in.Constraints != nil {
		if k.spec != symmetric {
			return nil, errValidation("Grant constraints need a symmetric encryption key.")
		}
		made.Constraints = *in.Constraints
	}
	err = s.change(k, func(st *state) error {
		if e := st.checkEnabled(k); e != nil {
			return e
		}
		if in.DryRun {
			return errDryRun
		}
		if i := slices.IndexFunc(st.Grants, made.same); made.Name != "" && i >= 0 {
			made = st.Grants[i]
			return nil
		}
		st.Grants = append(st.Grants, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return createGrantOutput{made.ID, grantToken(k.id, made.ID)}, nil
}

type grantListEntry struct {
	KeyId             string
	GrantId           string
	Name              string
	CreationDate      float64 // Unix seconds
	GranteePrincipal  string
	RetiringPrincipal string `json:",omitempty"`
	IssuingAccount    string
	Operations        []string
	Constraints       *grantConstraints `json:",omitempty"`
}

func (s *Service) grantEntry(k *key, g grant) grantListEntry {
	entry := grantListEntry{
		KeyId:             k.arn,
		GrantId:           g.ID,
		Name:              g.Name,
		CreationDate:      timestamp(g.Created),
		GranteePrincipal:  g.GranteePrincipal,
		RetiringPrincipal: g.RetiringPrincipal,
		IssuingAccount:    awsname.PartitionARN(awsname.Partition(s.region), "iam", "", s.account, "root"),
		Operations:        g.Operations,
	}
	if c := g.Constraints; c.EncryptionContextSubset != nil || c.EncryptionContextEquals != nil {
		entry.Constraints = &c
	}
	return entry
}

type listGrantsOutput struct {
	Grants     []grantListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// list returns the page p of the grants, which are by grant id.
func (p page) list(grants map[string]grantListEntry) (any, error) {
	ids, next, err := p.cut(sortedNames(grants), 50, 100)
	if err != nil {
		return nil, err
	}
	out := listGrantsOutput{Grants: []grantListEntry{}, NextMarker: next, Truncated: next != ""}
	for _, id := range ids {
		out.Grants = append(out.Grants, grants[id])
	}
	return out, nil
}

type listGrantsInput struct {
	keyInput
	page
	GrantId          string
	GranteePrincipal string
}

func (s *Service) listGrants(in listGrantsInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	found := make(map[string]grantListEntry)
	for _, g := range s.stateOf(k).Grants {
		if (in.GrantId == "" || in.GrantId == g.ID) &&
			(in.GranteePrincipal == "" || in.GranteePrincipal == g.GranteePrincipal) {
			found[g.ID] = s.grantEntry(k, g)
		}
	}
	return in.list(found)
}

type listRetirableInput struct {
	page
	RetiringPrincipal string
}

func (s *Service) listRetirableGrants(in listRetirableInput) (any, error) {
	if in.RetiringPrincipal == "" {
		return nil, errNull("retiringPrincipal")
	}
	if err := checkPrincipal(in.RetiringPrincipal); err != nil {
		return nil, err
	}
	found := make(map[string]grantListEntry)
	s.mu.RLock()
	for id, st := range s.states {
		k := s.keys[id]
		if k == nil {
			continue
		}
		for _, g := range st.Grants {
			if g.RetiringPrincipal == in.RetiringPrincipal {
				found[g.ID] = s.grantEntry(k, g)
			}
		}
	}
	s.mu.RUnlock()
	return in.list(found)
}

type revokeGrantInput struct {
	KeyId   string
	GrantId string
	DryRun  bool
}

func (in revokeGrantInput) names() (string, []byte) { return in.KeyId, nil }

func (s *Service) revokeGrant(in revokeGrantInput) (any, error) {
	if in.GrantId == "" {
		return nil, errNull("grantId")
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	return nil, s.removeGrant(k, in.GrantId, in.DryRun)
}

// removeGrant removes a grant, also from a key that is disabled or awaits its
// deletion.
func (s *Service) removeGrant(k *key, id string, dryRun bool) error {
	return s.change(k, func(st *state) error {
		i := slices.IndexFunc(st.Grants, func(g grant) bool { return g.ID == id })
		if i < 0 {
			return errNotFound("Grant ID %s not found", id)
		}
		if dryRun {
			return errDryRun
		}
		st.Grants = slices.Delete(st.Grants, i, i+1)
		return nil
	})
}

type retireGrantInput struct {
	KeyId      string
	GrantId    string
	GrantToken string
	DryRun     bool
}

func (in retireGrantInput) names() (string, []byte) { return in.KeyId, nil }

// retireGrant finds the grant by its token, or by the ARN of its key and its
// id.
func (s *Service) retireGrant(in retireGrantInput) (any, error) {
	byID := in.KeyId != "" && in.GrantId != ""
	if (in.GrantToken != "") == byID {
		return nil, errValidation("Specify either a grant token, or a key ARN and a grant ID.")
	}
	keyID, grantID := in.KeyId, in.GrantId
	if !byID {
		var err error
		if keyID, grantID, err = parseGrantToken(in.GrantToken); err != nil {
			return nil, err
		}
	} else if !strings.HasPrefix(keyID, "arn:") {
		return nil, errInvalidARN(keyID)
	}
	k, e := s.resolveKey(keyID)
	if e != nil {
		return nil, e
	}
	return nil, s.removeGrant(k, grantID, in.DryRun)
}
