package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// snapshot has the decoded records of the store at one time. It never changes.
type snapshot struct {
	readAt  time.Time
	service *wrappedService // nil before the first key set
	set     *keySet         // nil before the first key set
	servers map[int64]*serverKey
	byKID   map[string]*serverKey
	data    map[int64]*wrappedData
	newest  *wrappedData // the data key with the highest number above lastingKey, or nil

	sessions     map[int64]*serverKey // session keys, numbered like server keys
	sessionByKID map[string]*serverKey
	wraps        map[int64]*wrappedData
	newestWrap   *wrappedData // the wrapping key with the highest number, or nil
}

// generation of the key set, 0 before the first.
func (s *snapshot) generation() int64 {
	if s.set == nil {
		return 0
	}
	return s.set.generation
}

// accepts reports whether tokens sealed to the key are opened at the time now.
func (s *snapshot) accepts(key *serverKey, now time.Time, decryptOnlyFor time.Duration) bool {
	if key.number >= s.generation() {
		return true // active, or published: another instance may know it as active
	}
	for _, r := range s.set.retired {
		if r.Number == key.number {
			return now.Before(time.Unix(r.At, 0).Add(decryptOnlyFor))
		}
	}
	return false
}

// Warm reads the key records, so that the first request need not. Call it
// during initialization. It creates no keys and unwraps none.
func (k *Keyring) Warm(ctx context.Context) error {
	_, err := k.reload(ctx, nil)
	return err
}

// current returns a snapshot that is not too old.
func (k *Keyring) current(ctx context.Context) (*snapshot, error) {
	s := k.snapshot.Load()
	if s != nil && k.now().Sub(s.readAt) < maxSnapshotAge {
		return s, nil
	}
	return k.reload(ctx, s)
}

// reload reads the store unless that happened after the caller got its
// snapshot. Concurrent callers share one read.
func (k *Keyring) reload(ctx context.Context, seen *snapshot) (*snapshot, error) {
	if err := k.reading.enter(ctx); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer k.reading.leave()
	if s := k.snapshot.Load(); s != nil && s != seen {
		return s, nil
	}
	s, err := k.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	k.snapshot.Store(s)
	k.forget(s)
	return s, nil
}

// errTorn means that a listing has a key set without its keys. The keys are
// written first, so this happens only if a listing read their place before they
// were written and the set's place afterwards.
var errTorn = errors.New("the key set's own keys are not stored")

// read lists the store, and again if the listing was torn.
func (k *Keyring) read(ctx context.Context) (s *snapshot, err error) {
	if k.options.Audience == "" {
		return nil, errors.New("no audience is configured")
	}
	for range 3 {
		at := k.now()
		records, err := k.store.List(ctx)
		if err != nil {
			return nil, err
		}
		if s, err = k.decode(records); err == nil {
			s.readAt = at
			return s, nil
		}
		if !errors.Is(err, errTorn) {
			return nil, err
		}
	}
	return nil, errTorn
}

func (k *Keyring) decode(records []Record) (*snapshot, error) {
	s := &snapshot{
		servers:      map[int64]*serverKey{},
		byKID:        map[string]*serverKey{},
		data:         map[int64]*wrappedData{},
		sessions:     map[int64]*serverKey{},
		sessionByKID: map[string]*serverKey{},
		wraps:        map[int64]*wrappedData{},
	}
	var set *Record
	for _, r := range records {
		switch r.Kind {
		case KindService:
			service, err := decodeService(r)
			if err != nil {
				return nil, err
			}
			s.service = service
		case KindServer:
			key, err := decodeServer(r)
			if err != nil {
				return nil, err
			}
			s.servers[key.number] = key
			s.byKID[key.public.Thumbprint()] = key
		case KindData:
			key, err := decodeData(r)
			if err != nil {
				return nil, err
			}
			s.data[key.number] = key
			if key.number != lastingKey && (s.newest == nil || key.number > s.newest.number) {
				s.newest = key
			}
		case KindSession:
			key, err := decodeServer(r)
			if err != nil {
				return nil, err
			}
			s.sessions[key.number] = key
			s.sessionByKID[key.public.Thumbprint()] = key
		case KindWrap:
			key, err := decodeData(r)
			if err != nil {
				return nil, err
			}
			s.wraps[key.number] = key
			if s.newestWrap == nil || key.number > s.newestWrap.number {
				s.newestWrap = key
			}
		case KindKeySet:
			set = &r
		default:
			return nil, fmt.Errorf("key record of the unknown kind %q", r.Kind)
		}
	}
	if set == nil {
		return s, nil
	}
	decoded, err := decodeKeySet(*set, s.service, k.options.Audience)
	if err != nil {
		return nil, err
	}
	if err := decoded.check(s.servers, s.sessions); err != nil {
		return nil, err
	}
	s.set = decoded
	return s, nil
}

// forget drops unwrapped keys that the store no longer has.
func (k *Keyring) forget(s *snapshot) {
	k.serverKeys.keepOnly(func(kid string) bool { return s.byKID[kid] != nil })
	k.sessionKeys.keepOnly(func(kid string) bool { return s.sessionByKID[kid] != nil })
	k.wrapKeys.keepOnly(func(id string) bool {
		n, err := parseNumber(id)
		return err == nil && s.wraps[n] != nil
	})
	k.dataKeys.keepOnly(func(id string) bool {
		n, err := parseNumber(id)
		return err == nil && s.data[n] != nil
	})
}
