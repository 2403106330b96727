package kms

import "time"

type keyInput struct {
	KeyId string
}

func (in keyInput) names() (string, []byte) { return in.KeyId, nil }

// stateChange returns the operation that alters the state of a key with alter.
func stateChange(alter func(*key, *state) error) func(*Service, keyInput) (any, error) {
	return func(s *Service, in keyInput) (any, error) {
		k, e := s.resolveKey(in.KeyId)
		if e != nil {
			return nil, e
		}
		return nil, s.change(k, func(st *state) error { return alter(k, st) })
	}
}

// enable returns the change of EnableKey (on) or DisableKey.
func enable(on bool) func(*key, *state) error {
	return func(k *key, st *state) error {
		if e := st.checkNotDeleted(k); e != nil {
			return e
		}
		st.Disabled = !on
		return nil
	}
}

type scheduleDeletionInput struct {
	KeyId               string
	PendingWindowInDays *int // 7 to 30; default 30
}

func (in scheduleDeletionInput) names() (string, []byte) { return in.KeyId, nil }

type scheduleDeletionOutput struct {
	KeyId               string
	DeletionDate        float64 // Unix seconds
	KeyState            string
	PendingWindowInDays int
}

func (s *Service) scheduleKeyDeletion(in scheduleDeletionInput) (any, error) {
	days := 30
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, errValidation("PendingWindowInDays must be between 7 and 30, inclusive")
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	at := time.Now().UTC().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Millisecond)
	err := s.change(k, func(st *state) error {
		if e := st.checkNotDeleted(k); e != nil {
			return e
		}
		st.Deletion = at
		return nil
	})
	if err != nil {
		return nil, err
	}
	return scheduleDeletionOutput{
		KeyId:               k.arn,
		DeletionDate:        timestamp(at),
		KeyState:            state{Deletion: at}.name(),
		PendingWindowInDays: days,
	}, nil
}

// cancelKeyDeletion disables the key, as KMS does.
func (s *Service) cancelKeyDeletion(in keyInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	err := s.change(k, func(st *state) error {
		if st.Deletion.IsZero() {
			return errState("%s is not pending deletion.", k.arn)
		}
		st.Deletion, st.Disabled = time.Time{}, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keyOutput{k.arn}, nil
}
