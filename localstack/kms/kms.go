// Package kms serves the AWS Key Management Service as far as applications use
// it:
//
//   - Encrypt, Decrypt, ReEncrypt; GenerateDataKey, GenerateDataKeyPair, each
//     also without plaintext; GenerateRandom
//   - Sign, Verify, GetPublicKey, GenerateMac, VerifyMac, DeriveSharedSecret
//   - CreateKey, DescribeKey, ListKeys, UpdateKeyDescription, EnableKey,
//     DisableKey, ScheduleKeyDeletion, CancelKeyDeletion
//   - CreateAlias, UpdateAlias, DeleteAlias, ListAliases
//   - TagResource, UntagResource, ListResourceTags
//   - GetKeyPolicy, PutKeyPolicy, ListKeyPolicies
//   - CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant
//   - EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus,
//     RotateKeyOnDemand, ListKeyRotations
//
// Keys are symmetric, RSA, NIST elliptic curve or HMAC keys. The protocol is
// the JSON 1.1 of KMS, so every AWS SDK works with it unchanged. Any other
// operation returns UnknownOperationException with its name.
//
// Use it on a development machine only. The key material is stored unencrypted
// in the data folder, so anyone who can read the folder can decrypt everything.
// There is no audit trail, and permissions are not checked here: a handler in
// front of the service does that.
//
// The service never deletes or overwrites key material, because losing a key
// loses everything that was encrypted with it. A key that is scheduled for
// deletion becomes unusable but stays in the folder, and a rotation is recorded
// but keeps the material.
package kms

import (
	"crypto"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options configure a [Service]. PolicyError, Log and Trace are optional.
type Options struct {
	Dir     string // folder of the key files; created with mode 0700 if it is missing
	Account string // twelve digits, part of every ARN
	Region  string // part of every ARN
	// PolicyError returns the mistake in a key policy, a JSON text, nil if
	// there is none. It is called for policies that have the required members.
	PolicyError func(policy string) error
	Log         *slog.Logger // gets one debug record per request, without plaintexts and keys; nil discards
	Trace       trace.Sink   // gets an event for every request, before its response; nil discards
}

// Service holds the keys and answers requests. Its methods may be called
// concurrently. Only one process at a time may open a folder.
type Service struct {
	dir     string
	account string
	region  string
	log     *slog.Logger
	trace   trace.Sink

	policyError func(string) error

	mu      sync.RWMutex
	keys    map[string]*key  // by key id
	aliases map[string]alias // by name, with the prefix "alias/"
	states  map[string]state // by key id; a missing entry is the zero state
}

// key is one KMS key: the content of its file, and its ARN.
type key struct {
	id          string
	arn         string
	description string
	created     time.Time
	spec, usage string
	material    []byte        // fixed for the life of the key: random bytes, or PKCS #8 of a private key
	private     crypto.Signer // nil unless the key is asymmetric; an RSA key decrypts too
}

// alias is a name of a key. It can be moved to another key.
type alias struct {
	keyID   string
	created time.Time
	updated time.Time
}

// Open opens the service and reads every key and alias in the folder. It
// returns an error with the file's name if a file is damaged: to continue
// without a key, or with a new one in its place, would lose data silently.
func Open(o Options) (*Service, error) {
	if o.Dir == "" || o.Account == "" || o.Region == "" {
		return nil, fmt.Errorf("kms: Dir, Account and Region are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("kms: create the key folder: %w", err)
	}
	if o.Trace == nil {
		o.Trace = trace.Discard
	}
	s := &Service{
		dir:         o.Dir,
		account:     o.Account,
		region:      o.Region,
		log:         o.Log,
		trace:       o.Trace,
		policyError: o.PolicyError,
	}
	var err error
	if s.keys, err = s.readKeys(); err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	if s.aliases, err = readAliases(filepath.Join(o.Dir, aliasFile)); err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	if s.states, err = readStates(filepath.Join(o.Dir, stateFile)); err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return s, nil
}

// keyIDPattern allows the ids that are safe as file names on every system. KMS
// itself generates UUIDs, and ids with the prefix "mrk-" for multi-Region keys.
var keyIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// KeyOptions declare a key for [Service.Ensure]. Only ID is required.
type KeyOptions struct {
	ID string // letters, digits, - and _, at most 128
	// ARN defaults to the one that account, Region and ID give.
	ARN string
	// Spec is SYMMETRIC_DEFAULT (the default), RSA_2048, RSA_3072, RSA_4096,
	// ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, HMAC_224, HMAC_256, HMAC_384
	// or HMAC_512. Usage is required for all specs but SYMMETRIC_DEFAULT.
	Spec, Usage string
	Description string
	// Aliases start with "alias/".
	Aliases []string
	// Disabled and Rotates are the state of a new key. A key that exists keeps
	// its state.
	Disabled, Rotates bool
	// RotationDays is the period of automatic rotation, 0 for 365 days. It is a
	// part of the state, too.
	RotationDays int
	// Tags and Policy, a JSON text, are set on a new key, and on one that
	// exists when they differ from what the last Ensure set. An empty Policy is
	// KMS's default, which lets the policies of IAM decide.
	Tags   map[string]string
	Policy string
}

// Ensure creates the key unless it exists, and points the aliases at it. It
// moves an alias that points at another key, as a deployment does. Calling it
// again changes nothing. It returns an error if the key exists with another
// spec or usage, which never change in KMS.
func (s *Service) Ensure(o KeyOptions) error {
	id, aliases := o.ID, o.Aliases
	if !keyIDPattern.MatchString(id) {
		return fmt.Errorf("kms: key id %q: want letters, digits, - and _, at most 128", id)
	}
	for _, name := range aliases {
		if e := checkAliasName(name); e != nil {
			return fmt.Errorf("kms: alias %q: %w", name, e)
		}
	}
	spec, usage, err := checkSpec(o.Spec, o.Usage)
	if err != nil {
		return fmt.Errorf("kms: key %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[id]
	if !ok {
		// The state is written before the key. A crash between the two leaves a
		// state without a key, which the next Ensure overwrites; in the other
		// order it would leave a usable key that is declared disabled.
		if err := s.setState(id, o.newState()); err != nil {
			return fmt.Errorf("kms: create key %s: %w", id, err)
		}
		if k, err = s.create(id, o.Description, spec, usage); err != nil {
			return fmt.Errorf("kms: create key %s: %w", id, err)
		}
	}
	if k.spec != spec || k.usage != usage {
		return fmt.Errorf("kms: key %s is a %s key for %s and cannot become a %s key for %s", id, k.spec,
			k.usage, spec, usage)
	}
	if o.ARN != "" && o.ARN != k.arn {
		renamed := *k // a copy: concurrent requests use the old value
		renamed.arn = o.ARN
		s.keys[id] = &renamed
	}
	if err := s.redeclare(o); err != nil {
		return fmt.Errorf("kms: key %s: %w", id, err)
	}
	for _, name := range aliases {
		if err := s.point(name, id); err != nil {
			return fmt.Errorf("kms: alias %s: %w", name, err)
		}
	}
	return nil
}

// newState returns the state of a key that is declared and does not exist yet.
func (o KeyOptions) newState() state {
	st := state{
		Disabled: o.Disabled,
		Rotates:  o.Rotates,
		Tags:     maps.Clone(o.Tags),
		Policy:   o.Policy,
		Declared: o.declaration(),
	}
	if o.Rotates {
		st.RotationDays, st.RotatesSince = o.RotationDays, time.Now().UTC()
	}
	return st
}

func (o KeyOptions) declaration() *declaration {
	if len(o.Tags) == 0 && o.Policy == "" {
		return nil
	}
	return &declaration{Tags: o.Tags, Policy: o.Policy}
}

// redeclare applies what has changed since the last declaration of the key, as
// a deployment does. What was set by the API stays otherwise. The caller holds
// mu.
func (s *Service) redeclare(o KeyOptions) error {
	next := s.states[o.ID].clone()
	was := declaration{}
	if next.Declared != nil {
		was = *next.Declared
	}
	if o.Policy != was.Policy {
		next.Policy = o.Policy
	}
	for name := range was.Tags {
		if _, stays := o.Tags[name]; !stays {
			delete(next.Tags, name)
		}
	}
	for name, value := range o.Tags {
		if old, had := was.Tags[name]; !had || old != value {
			if next.Tags == nil {
				next.Tags = make(map[string]string)
			}
			next.Tags[name] = value
		}
	}
	next.Declared = o.declaration()
	return s.setState(o.ID, next)
}

// create generates a key and stores it. The key enters the table only after its
// file is durable, so nothing is encrypted with a key that a crash could lose.
// The caller holds mu.
func (s *Service) create(id, description, spec, usage string) (*key, error) {
	k, err := newKey(id, description, spec, usage)
	if err != nil {
		return nil, err
	}
	if err := k.write(s.dir); err != nil {
		return nil, err
	}
	k.arn = s.keyARN(id)
	s.keys[id] = k
	return k, nil
}

// point points the alias name at the key. The caller holds mu.
func (s *Service) point(name, keyID string) error {
	old, had := s.aliases[name]
	if had && old.keyID == keyID {
		return nil
	}
	now := time.Now().UTC()
	next := alias{keyID: keyID, created: now, updated: now}
	if had {
		next.created = old.created
	}
	s.aliases[name] = next
	if err := writeAliases(filepath.Join(s.dir, aliasFile), s.aliases); err != nil {
		if had {
			s.aliases[name] = old
		} else {
			delete(s.aliases, name)
		}
		return err
	}
	return nil
}

func (s *Service) keyARN(id string) string {
	return awsname.ARN("kms", s.region, s.account, "key/"+id)
}

func (s *Service) aliasARN(name string) string {
	return awsname.ARN("kms", s.region, s.account, name)
}
