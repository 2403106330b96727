package kms

import (
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of tags (KMS API reference, Tag; KMS developer guide, "Tags in AWS
// KMS").
const (
	maxTags     = 50  // of one key
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// tag is a tag on the wire. KMS has other member names than most services.
type tag struct {
	TagKey   string
	TagValue string
}

// withTags returns the tags of a key, nil if there are none, after tags were
// added to old ones. It does not change old.
func withTags(old map[string]string, tags []tag) (map[string]string, error) {
	next := maps.Clone(old)
	if next == nil && len(tags) > 0 {
		next = make(map[string]string, len(tags))
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.TagKey] {
			return nil, errTag("Duplicate tag keys")
		}
		seen[t.TagKey] = true
		next[t.TagKey] = t.TagValue
	}
	if len(next) > maxTags {
		return nil, errLimit("A KMS key can have at most %d tags", maxTags)
	}
	return next, nil
}

func (t tag) check() error {
	switch {
	case t.TagKey == "":
		return errConstraint("tags.1.member.tagKey", "must have length greater than or equal to 1")
	case utf8.RuneCountInString(t.TagKey) > maxTagKey:
		return errConstraint("tags.1.member.tagKey", "must have length less than or equal to 128")
	case utf8.RuneCountInString(t.TagValue) > maxTagValue:
		return errConstraint("tags.1.member.tagValue", "must have length less than or equal to 256")
	case strings.HasPrefix(strings.ToLower(t.TagKey), "aws:"):
		return errTag("Tags that start with aws: are reserved for AWS")
	case !tagPattern.MatchString(t.TagKey) || !tagPattern.MatchString(t.TagValue):
		return errTag("The tag %s has a character that tags cannot have", t.TagKey)
	}
	return nil
}

type tagInput struct {
	KeyId string
	Tags  []tag
}

func (in tagInput) names() (string, []byte) { return in.KeyId, nil }

func (s *Service) tagResource(in tagInput) (any, error) {
	if in.Tags == nil {
		return nil, errNull("tags")
	}
	return nil, s.changeTags(in.KeyId, func(st *state) error {
		tags, err := withTags(st.Tags, in.Tags)
		if err != nil {
			return err
		}
		st.Tags = tags
		return nil
	})
}

// changeTags changes the state of a key that does not await its deletion.
func (s *Service) changeTags(keyID string, change func(*state) error) error {
	k, e := s.resolveKey(keyID)
	if e != nil {
		return e
	}
	return s.change(k, func(st *state) error {
		if e := st.checkNotDeleted(k); e != nil {
			return e
		}
		return change(st)
	})
}

type untagInput struct {
	KeyId   string
	TagKeys []string
}

func (in untagInput) names() (string, []byte) { return in.KeyId, nil }

// untagResource ignores tags that the key does not have, as KMS does.
func (s *Service) untagResource(in untagInput) (any, error) {
	if in.TagKeys == nil {
		return nil, errNull("tagKeys")
	}
	return nil, s.changeTags(in.KeyId, func(st *state) error {
		for _, name := range in.TagKeys {
			delete(st.Tags, name)
		}
		return nil
	})
}

type listTagsInput struct {
	keyInput
	page
}

type listTagsOutput struct {
	Tags       []tag
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listResourceTags(in listTagsInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	tags := s.stateOf(k).Tags
	names, next, err := in.cut(sortedNames(tags), 50, 50)
	if err != nil {
		return nil, err
	}
	out := listTagsOutput{Tags: []tag{}, NextMarker: next, Truncated: next != ""}
	for _, name := range names {
		out.Tags = append(out.Tags, tag{name, tags[name]})
	}
	return out, nil
}
