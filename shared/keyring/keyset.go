package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/strict"
)

// maxKeys bounds the keys of a key set. With 3072 bits they make a token of 26
// KB with the session key, below envelope.MaxSigned and API Gateway's frame.
// With the defaults, a rotation every eleven hours would reach the bound.
const maxKeys = 32

// claims are the claims of a key set (protocol §3), which clients check.
type claims struct {
	Version    int               `json:"v,omitzero"` // absent in version 1
	Audience   string            `json:"aud"`
	Generation int64             `json:"gen"`
	Expires    int64             `json:"exp"` // Unix seconds
	Keys       []json.RawMessage `json:"keys"`
	Session    json.RawMessage   `json:"session,omitzero"` // of the same generation; absent in version 1
}

// version is the protocol's version that a key set names.
const version = 2

// keySet is the current key set.
type keySet struct {
	token      string
	generation int64 // also the number of the active server key
	expires    time.Time
	retired    []retirement
	jwks       []json.RawMessage // as signed: the active key's, then the retired ones'
	session    json.RawMessage   // as signed; nil in a set of version 1
}

// numbers returns the server keys' numbers in the order of jwks.
func (s *keySet) numbers() []int64 {
	numbers := []int64{s.generation}
	for _, r := range s.retired {
		numbers = append(numbers, r.Number)
	}
	return numbers
}

// check compares the set with the server keys as stored. A retired key may be
// gone, destroyed after the set was read.
func (s *keySet) check(servers, sessions map[int64]*serverKey) error {
	if servers[s.generation] == nil || s.session != nil && sessions[s.generation] == nil {
		return errTorn
	}
	if s.session != nil && string(sessions[s.generation].public.JWK()) != string(s.session) {
		return fmt.Errorf("session key %d is not the one in the key set", s.generation)
	}
	for i, number := range s.numbers() {
		if key := servers[number]; key != nil && string(key.public.JWK()) != string(s.jwks[i]) {
			return fmt.Errorf("server key %d is not the one in the key set", number)
		}
	}
	return nil
}

// decodeKeySet checks the stored set as a client does: the set is signed once
// and served for weeks, so the service must not send out a damaged or replaced
// one.
func decodeKeySet(r Record, service *wrappedService, audience string) (*keySet, error) {
	var value keySetRecord
	if err := strict.Unmarshal(r.Value, &value); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	if service == nil {
		return nil, errTorn
	}
	signed, err := envelope.ParseSigned(value.Token, envelope.TypeKeys)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	text, err := signed.Verify(service.public)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	var c claims
	if err := strict.UnmarshalClaims(text, &c); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	if c.Audience != audience {
		return nil, fmt.Errorf("the stored keys belong to the deployment %q, this is %q: a deployment's address cannot change", c.Audience, audience)
	}
	if c.Generation != r.Generation || len(c.Keys) != 1+len(value.Retired) {
		return nil, errors.New("key set: claims and record differ")
	}
	return &keySet{
		token:      value.Token,
		generation: c.Generation,
		expires:    time.Unix(c.Expires, 0),
		retired:    value.Retired,
		jwks:       c.Keys,
		session:    c.Session,
	}, nil
}

// dueAt is when Ensure renews a set that no schedule has renewed: an eighth of
// its life before its end, which is 42 hours with the default, far longer than
// a connection that has just received it can use it.
func (s *keySet) dueAt(lifetime time.Duration) time.Time { return s.expires.Add(-lifetime / 8) }

// signKeySet makes the key set of generation g over the active key and the
// retired ones, in that order, and the session key.
func signKeySet(service *envelope.SigningKey, audience string, g int64, expires time.Time,
	jwks []json.RawMessage, session json.RawMessage) (string, error) {
	text, err := strict.Marshal(claims{
		Version:    version,
		Audience:   audience,
		Generation: g,
		Expires:    expires.Unix(),
		Keys:       jwks,
		Session:    session,
	})
	if err != nil {
		return "", fmt.Errorf("encode key set: %w", err)
	}
	token, err := envelope.SignWithJWK(service, envelope.TypeKeys, text)
	if err != nil {
		return "", fmt.Errorf("sign key set: %w", err)
	}
	return token, nil
}
