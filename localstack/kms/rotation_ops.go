package kms

import (
	"fmt"
	"time"
)

// Bounds of the period of automatic rotation in days (KMS API reference,
// EnableKeyRotation).
const (
	rotationDays    = 365 // the default
	minRotationDays = 90
	maxRotationDays = 2560
)

// maxOnDemandRotations bounds the rotations on demand of one key (KMS developer
// guide, "Quotas").
const maxOnDemandRotations = 25

// The values of RotationType.
const (
	automatic = "AUTOMATIC"
	onDemand  = "ON_DEMAND"
)

// rotation is one completed rotation of a key.
type rotation struct {
	At   time.Time `json:"at"`
	Type string    `json:"type"`
}

func (s state) rotationPeriod() time.Duration {
	days := s.RotationDays
	if days == 0 {
		days = rotationDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// rotate records the automatic rotations that were due until now. Those that
// were due while the key was not enabled are left out: KMS does not rotate such
// a key.
func (s *state) rotate(created, now time.Time) {
	if !s.Rotates {
		return
	}
	if s.RotatesSince.IsZero() {
		s.RotatesSince = created
	}
	for next := s.RotatesSince.Add(s.rotationPeriod()); !next.After(now); next = next.Add(s.rotationPeriod()) {
		s.RotatesSince = next
		if s.name() == "Enabled" {
			s.Rotations = append(s.Rotations, rotation{next, automatic})
		}
	}
}

// rotated returns the state of a key, with the rotations until now.
func (s *Service) rotated(k *key) state {
	st := s.stateOf(k).clone()
	st.rotate(k.created, time.Now().UTC())
	return st
}

// checkRotates returns an error if the key's material cannot be rotated now.
func (s state) checkRotates(k *key) error {
	if k.spec != symmetric {
		return errUnsupported("%s is not a symmetric encryption key", k.arn)
	}
	if e := s.checkEnabled(k); e != nil {
		return e
	}
	return nil
}

type enableRotationInput struct {
	KeyId                string
	RotationPeriodInDays *int // 90 to 2560; default 365
}

func (in enableRotationInput) names() (string, []byte) { return in.KeyId, nil }

// enableKeyRotation enables rotation, or changes its period.
func (s *Service) enableKeyRotation(in enableRotationInput) (any, error) {
	days := rotationDays
	if in.RotationPeriodInDays != nil {
		days = *in.RotationPeriodInDays
	}
	if err := checkRotationDays(days); err != nil {
		return nil, err
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	return nil, s.change(k, func(st *state) error {
		if err := st.checkRotates(k); err != nil {
			return err
		}
		period := st.rotationPeriod()
		st.RotationDays = days
		if !st.Rotates || st.rotationPeriod() != period {
			st.Rotates, st.RotatesSince = true, time.Now().UTC()
		}
		return nil
	})
}

func checkRotationDays(days int) error {
	switch {
	case days < minRotationDays:
		return errConstraint("rotationPeriodInDays",
			fmt.Sprintf("must have value greater than or equal to %d", minRotationDays))
	case days > maxRotationDays:
		return errConstraint("rotationPeriodInDays",
			fmt.Sprintf("must have value less than or equal to %d", maxRotationDays))
	}
	return nil
}

// disableRotation is the change of DisableKeyRotation.
func disableRotation(k *key, st *state) error {
	if err := st.checkRotates(k); err != nil {
		return err
	}
	st.Rotates, st.RotationDays, st.RotatesSince = false, 0, time.Time{}
	return nil
}

type rotationStatusOutput struct {
	KeyId                string
	KeyRotationEnabled   bool
	RotationPeriodInDays int     `json:",omitempty"`
	NextRotationDate     float64 `json:",omitempty"` // Unix seconds
}

// getKeyRotationStatus says that a key which awaits its deletion does not
// rotate (KMS API reference).
func (s *Service) getKeyRotationStatus(in keyInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	if k.spec != symmetric {
		return nil, errUnsupported("%s is not a symmetric encryption key", k.arn)
	}
	out := rotationStatusOutput{KeyId: k.arn}
	if st := s.rotated(k); st.Rotates && st.Deletion.IsZero() {
		out.KeyRotationEnabled = true
		out.RotationPeriodInDays = int(st.rotationPeriod() / (24 * time.Hour))
		out.NextRotationDate = timestamp(st.RotatesSince.Add(st.rotationPeriod()))
	}
	return out, nil
}

type keyOutput struct {
	KeyId string
}

func (s *Service) rotateKeyOnDemand(in keyInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	err := s.change(k, func(st *state) error {
		if err := st.checkRotates(k); err != nil {
			return err
		}
		used := 0
		for _, r := range st.Rotations {
			if r.Type == onDemand {
				used++
			}
		}
		if used >= maxOnDemandRotations {
			return errLimit("%s has been rotated on demand %d times, which is the limit.", k.arn, used)
		}
		st.Rotations = append(st.Rotations, rotation{time.Now().UTC(), onDemand})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keyOutput{k.arn}, nil
}

type listRotationsInput struct {
	keyInput
	page
	IncludeKeyMaterial string // ROTATIONS_ONLY (the default) or ALL_KEY_MATERIAL
}

type rotationListEntry struct {
	KeyId        string
	RotationDate float64 // Unix seconds
	RotationType string
}

type listRotationsOutput struct {
	Rotations  []rotationListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listKeyRotations(in listRotationsInput) (any, error) {
	switch in.IncludeKeyMaterial {
	case "", "ROTATIONS_ONLY":
	case "ALL_KEY_MATERIAL":
		return nil, errUnsupported("IncludeKeyMaterial ALL_KEY_MATERIAL is not implemented locally")
	default:
		return nil, errConstraint("includeKeyMaterial",
			"must satisfy enum value set: [ALL_KEY_MATERIAL, ROTATIONS_ONLY]")
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	if k.spec != symmetric {
		return nil, errUnsupported("%s is not a symmetric encryption key", k.arn)
	}
	rotations := s.rotated(k).Rotations
	byName := make(map[string]rotation, len(rotations))
	for i, r := range rotations {
		byName[fmt.Sprintf("%08d", i)] = r
	}
	names, next, err := in.cut(sortedNames(byName), 100, 1000)
	if err != nil {
		return nil, err
	}
	out := listRotationsOutput{Rotations: []rotationListEntry{}, NextMarker: next, Truncated: next != ""}
	for _, name := range names {
		r := byName[name]
		out.Rotations = append(out.Rotations, rotationListEntry{k.arn, timestamp(r.At), r.Type})
	}
	return out, nil
}
