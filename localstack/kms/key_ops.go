package kms

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

type keyMetadata struct {
	AWSAccountId           string
	KeyId                  string
	Arn                    string
	CreationDate           float64 // Unix seconds, as JSON 1.1 writes a timestamp
	Enabled                bool
	Description            string
	KeyUsage               string
	KeyState               string
	Origin                 string
	KeyManager             string
	CustomerMasterKeySpec  string
	KeySpec                string
	EncryptionAlgorithms   []string `json:",omitempty"`
	SigningAlgorithms      []string `json:",omitempty"`
	MacAlgorithms          []string `json:",omitempty"`
	KeyAgreementAlgorithms []string `json:",omitempty"`
	MultiRegion            bool
	DeletionDate           float64 `json:",omitempty"` // Unix seconds
}

type keyMetadataOutput struct {
	KeyMetadata keyMetadata
}

func (s *Service) metadata(k *key, st state) keyMetadataOutput {
	m := keyMetadata{
		AWSAccountId:          s.account,
		KeyId:                 k.id,
		Arn:                   k.arn,
		CreationDate:          timestamp(k.created),
		Enabled:               st.name() == "Enabled",
		Description:           st.description(k),
		KeyUsage:              k.usage,
		KeyState:              st.name(),
		Origin:                "AWS_KMS",
		KeyManager:            "CUSTOMER",
		CustomerMasterKeySpec: k.spec,
		KeySpec:               k.spec,
		MultiRegion:           strings.HasPrefix(k.id, "mrk-"),
	}
	if !st.Deletion.IsZero() {
		m.DeletionDate = timestamp(st.Deletion)
	}
	switch k.usage {
	case encryptDecrypt:
		m.EncryptionAlgorithms = k.algorithms()
	case signVerify:
		m.SigningAlgorithms = k.algorithms()
	case macUsage:
		m.MacAlgorithms = k.algorithms()
	case keyAgreement:
		m.KeyAgreementAlgorithms = k.algorithms()
	}
	return keyMetadataOutput{m}
}

func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type createKeyInput struct {
	Description           string
	KeyUsage              string
	KeySpec               string
	CustomerMasterKeySpec string // the older name of KeySpec
	Origin                string
	MultiRegion           bool
	Tags                  []tag
	Policy                string

	BypassPolicyLockoutSafetyCheck bool
}

const maxDescription = 8192 // characters

func (s *Service) createKey(in createKeyInput) (any, error) {
	switch {
	case in.KeySpec != "" && in.CustomerMasterKeySpec != "":
		return nil, errValidation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	case in.Origin != "" && in.Origin != "AWS_KMS":
		return nil, errUnsupported("Origin %s: only AWS_KMS is supported", in.Origin)
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	spec, usage, err := checkSpec(cmp.Or(in.KeySpec, in.CustomerMasterKeySpec), in.KeyUsage)
	if err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if in.Policy != "" {
		if err := s.checkPolicy(in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
	}
	st := state{Tags: tags, Policy: in.Policy}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := newKeyID(in.MultiRegion)
	// As in Ensure, a crash leaves a state without a key rather than a key
	// without its policy.
	if err := s.setState(id, st); err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	k, err := s.create(id, in.Description, spec, usage)
	if err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	return s.metadata(k, st), nil
}

func checkDescription(text string) error {
	if utf8.RuneCountInString(text) > maxDescription {
		return errConstraint("description", "must have length less than or equal to 8192")
	}
	return nil
}

// description returns the description of k, whose state s is.
func (s state) description(k *key) string {
	if s.Description != nil {
		return *s.Description
	}
	return k.description
}

type updateDescriptionInput struct {
	KeyId       string
	Description *string
}

func (in updateDescriptionInput) names() (string, []byte) { return in.KeyId, nil }

func (s *Service) updateKeyDescription(in updateDescriptionInput) (any, error) {
	if in.Description == nil {
		return nil, errNull("description")
	}
	if err := checkDescription(*in.Description); err != nil {
		return nil, err
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	return nil, s.change(k, func(st *state) error {
		if e := st.checkNotDeleted(k); e != nil {
			return e
		}
		st.Description = in.Description
		return nil
	})
}

// newKeyID returns a random UUID, or the id of a multi-Region key: "mrk-" and
// 32 hexadecimal digits.
func newKeyID(multiRegion bool) string {
	id := awsname.NewUUID()
	if multiRegion {
		return "mrk-" + strings.ReplaceAll(id, "-", "")
	}
	return id
}

func (s *Service) describeKey(in keyInput) (any, error) {
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, e
	}
	return s.metadata(k, s.stateOf(k)), nil
}

type createAliasInput struct {
	AliasName   string
	TargetKeyId string
}

func (in createAliasInput) names() (string, []byte) { return in.TargetKeyId, nil }

func (s *Service) createAlias(in createAliasInput) (any, error) {
	k, err := s.aliasTarget(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.aliases[in.AliasName]; ok {
		return nil, errAliasExists(s.aliasARN(in.AliasName))
	}
	return nil, s.point(in.AliasName, k.id)
}

// page holds the paging members of a list request.
type page struct {
	Limit  *int
	Marker string
}

// cut returns the names of the page, from a sorted list, and the marker of the
// next page ("" after the last). The marker is the last name of the page, so
// entries that are created between two requests neither repeat nor hide others.
func (p page) cut(names []string, defaultLimit, maxLimit int) (cut []string, next string, err error) {
	limit := defaultLimit
	if p.Limit != nil {
		limit = *p.Limit
	}
	switch {
	case limit < 1:
		return nil, "", errConstraint("limit", "must have value greater than or equal to 1")
	case limit > maxLimit:
		return nil, "", errConstraint("limit", fmt.Sprintf("must have value less than or equal to %d", maxLimit))
	}
	if p.Marker != "" {
		last, err := base64.RawURLEncoding.DecodeString(p.Marker)
		if err != nil {
			return nil, "", errInvalidMarker
		}
		i, found := slices.BinarySearch(names, string(last))
		if found {
			i++
		}
		names = names[i:]
	}
	if len(names) <= limit {
		return names, "", nil
	}
	return names[:limit], base64.RawURLEncoding.EncodeToString([]byte(names[limit-1])), nil
}

// sortedNames returns the names of entries in the order in which a list has
// them.
func sortedNames[V any](entries map[string]V) []string { return slices.Sorted(maps.Keys(entries)) }

type listKeysInput struct {
	page
}

type keyListEntry struct {
	KeyArn string
	KeyId  string
}

type listKeysOutput struct {
	Keys       []keyListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listKeys(in listKeysInput) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids, next, err := in.cut(sortedNames(s.keys), 100, 1000)
	if err != nil {
		return nil, err
	}
	out := listKeysOutput{Keys: []keyListEntry{}, NextMarker: next, Truncated: next != ""}
	for _, id := range ids {
		out.Keys = append(out.Keys, keyListEntry{KeyArn: s.keys[id].arn, KeyId: id})
	}
	return out, nil
}

type listAliasesInput struct {
	page
	KeyId string
}

type aliasListEntry struct {
	AliasName       string
	AliasArn        string
	TargetKeyId     string
	CreationDate    float64 // Unix seconds
	LastUpdatedDate float64 // Unix seconds
}

type listAliasesOutput struct {
	Aliases    []aliasListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listAliases(in listAliasesInput) (any, error) {
	only := ""
	if in.KeyId != "" {
		k, e := s.resolve(in.KeyId)
		if e != nil {
			return nil, e
		}
		only = k.id
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for name, a := range s.aliases {
		if only == "" || a.keyID == only {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names, next, err := in.cut(names, 50, 100)
	if err != nil {
		return nil, err
	}
	out := listAliasesOutput{Aliases: []aliasListEntry{}, NextMarker: next, Truncated: next != ""}
	for _, name := range names {
		a := s.aliases[name]
		out.Aliases = append(out.Aliases, aliasListEntry{
			AliasName:       name,
			AliasArn:        s.aliasARN(name),
			TargetKeyId:     a.keyID,
			CreationDate:    timestamp(a.created),
			LastUpdatedDate: timestamp(a.updated),
		})
	}
	return out, nil
}
