// Package kms serves the part of the AWS Key Management Service that
// applications use: Encrypt, Decrypt, ReEncrypt, GenerateDataKey,
// GenerateDataKeyWithoutPlaintext and GenerateRandom; Sign, Verify,
// GetPublicKey, GenerateMac and VerifyMac; CreateKey, DescribeKey, ListKeys,
// CreateAlias, UpdateAlias, DeleteAlias and ListAliases; EnableKey, DisableKey,
// EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus,
// ScheduleKeyDeletion and CancelKeyDeletion. The keys are symmetric, RSA, NIST
// curves' and HMAC keys. It speaks KMS's own JSON 1.1 protocol: any AWS
// SDK talks to it unchanged.
//
// Use it on a development machine. The key material lies unencrypted in the
// data folder, so whoever can read the folder can read everything: there is no
// hardware behind it, no grant, no audit trail, and who may do what is for
// somebody before it to decide. It never deletes or overwrites key material,
// since losing a key loses all that was ever encrypted under it: a key whose
// deletion is scheduled stays, unusable, and rotation is only kept as a
// setting. Operations outside the list above answer UnknownOperationException.
package kms

import (
	"crypto"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options say where the keys live and whose they are. All but Log and Trace are
// required.
type Options struct {
	Dir     string       // folder of the key files; made, with mode 0700, if it is missing
	Account string       // twelve digits, part of every ARN
	Region  string       // part of every ARN
	Log     *slog.Logger // one debug record per request, never with a plaintext or key; nil discards
	Trace   trace.Sink   // of every request when it has been answered; nil discards
}

// Service holds the keys and answers requests. Its methods may be called
// concurrently. Two processes must not open the same folder.
type Service struct {
	dir     string
	account string
	region  string
	log     *slog.Logger
	trace   trace.Sink

	mu      sync.RWMutex
	keys    map[string]*key  // by key id
	aliases map[string]alias // by name, with the prefix "alias/"
	states  map[string]state // by key id; a key that is not there is as it was made
}

// key is one KMS key: what its file holds, and the ARN it answers to.
type key struct {
	id          string
	arn         string
	description string
	created     time.Time
	spec, usage string
	material    []byte        // fixed for the life of the key: random bytes, or PKCS #8 of a private key
	private     crypto.Signer // of an asymmetric key; an RSA key decrypts too
}

// alias is a name that points at a key and may be pointed at another one.
type alias struct {
	keyID   string
	created time.Time
	updated time.Time
}

// Open reads every key and alias in the folder. A file that cannot be read
// back whole is an error that names it: going on without a key, or with a new
// one in its place, would lose data silently.
func Open(o Options) (*Service, error) {
	if o.Dir == "" || o.Account == "" || o.Region == "" {
		return nil, fmt.Errorf("kms: Dir, Account and Region are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("kms: make the key folder: %w", err)
	}
	if o.Trace == nil {
		o.Trace = trace.Discard
	}
	s := &Service{dir: o.Dir, account: o.Account, region: o.Region, log: o.Log, trace: o.Trace}
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

// keyIDPattern keeps ids to what is safe as a file name everywhere. KMS makes
// UUIDs, with the prefix "mrk-" for multi-Region keys.
var keyIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// EnsureKey is [Service.Ensure] for a symmetric key.
func (s *Service) EnsureKey(id, arn string, aliases ...string) error {
	return s.Ensure(KeyOptions{ID: id, ARN: arn, Aliases: aliases})
}

// KeyOptions declare a key. Only ID is required.
type KeyOptions struct {
	ID string // letters, digits, - and _, at most 128
	// ARN is by default the one that follows from account, Region and ID.
	ARN string
	// Spec is SYMMETRIC_DEFAULT, RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256,
	// P384 or P521, or HMAC_224, 256, 384 or 512; the default is the first.
	// Usage may be left out for the first only.
	Spec, Usage string
	Description string
	// Aliases start with "alias/".
	Aliases []string
	// Disabled and Rotates are the state in which a key is made. One that
	// exists keeps its own.
	Disabled, Rotates bool
}

// Ensure makes the key unless it exists, and points the aliases at it (one
// that points elsewhere is moved, as a deployment would). Repeating it changes
// nothing. A key that exists with another spec or usage is an error: KMS keys
// never change them.
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
		if err := s.setState(id, state{Disabled: o.Disabled, Rotates: o.Rotates}); err != nil {
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
		renamed := *k // requests in flight keep the value they hold
		renamed.arn = o.ARN
		s.keys[id] = &renamed
	}
	for _, name := range aliases {
		if err := s.point(name, id); err != nil {
			return fmt.Errorf("kms: alias %s: %w", name, err)
		}
	}
	return nil
}

// create makes a key and keeps it. It is in the table only once its file is
// durable: nothing is ever encrypted under a key that a crash could lose. The
// caller holds mu.
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

// point makes name an alias of the key. The caller holds mu.
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
	return "arn:aws:kms:" + s.region + ":" + s.account + ":key/" + id
}

func (s *Service) aliasARN(name string) string {
	return "arn:aws:kms:" + s.region + ":" + s.account + ":" + name
}
