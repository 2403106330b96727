package dynamodb

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// defaultTableKey is the KMS key of a table whose SSESpecification names no
// key.
const defaultTableKey = "alias/aws/dynamodb"

func (c *checks) encryption(s *SSESpecification) {
	if s != nil {
		c.oneOf("sSESpecification.sSEType", s.SSEType, "AES256", "KMS")
	}
}

// setEncryption stores a table's SSESpecification and OnDemandThroughput, where
// given. Both are reported and have no effect.
func setEncryption(s *store.Settings, key *SSESpecification, bounds *OnDemandThroughput) error {
	if key != nil {
		if err := writeSetting(s, settingEncryption, key); err != nil {
			return err
		}
	}
	return setBounds(s, bounds)
}

// setBounds merges an OnDemandThroughput into the stored one, member by member;
// -1 removes a member. A provisioned table has none.
func setBounds(s *store.Settings, bounds *OnDemandThroughput) error {
	var now OnDemandThroughput
	if text, ok := s.Recorded[settingThroughput]; ok && s.OnDemand {
		if err := json.Unmarshal(text, &now); err != nil {
			return fmt.Errorf("setting %s: %w", settingThroughput, err)
		}
	}
	if bounds != nil {
		for _, m := range []struct {
			name  string
			value int64
			to    *int64
		}{
			{"MaxReadRequestUnits", bounds.MaxReadRequestUnits, &now.MaxReadRequestUnits},
			{"MaxWriteRequestUnits", bounds.MaxWriteRequestUnits, &now.MaxWriteRequestUnits},
		} {
			switch {
			case m.value == 0: // not given
			case !s.OnDemand:
				return invalidParameter("%s for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED", m.name)
			case m.value == -1:
				*m.to = 0
			case m.value < 0:
				return invalidParameter("Requested %s for OnDemandThroughput for table is outside of valid range", m.name)
			default:
				*m.to = m.value
			}
		}
	}
	if now == (OnDemandThroughput{}) {
		s.Recorded = maps.Clone(s.Recorded) // readers may hold the old map
		delete(s.Recorded, settingThroughput)
		return nil
	}
	return writeSetting(s, settingThroughput, now)
}

// describeEncryption adds to a description what setEncryption stored.
func (d *tableDescription) describeEncryption(e *Engine, def *store.Definition) error {
	key, err := readSetting[SSESpecification](def, settingEncryption)
	if err != nil {
		return err
	}
	if key.Enabled {
		d.SSEDescription = &sseDescription{
			Status:          "ENABLED",
			SSEType:         "KMS",
			KMSMasterKeyArn: e.keyARN(key.KMSMasterKeyID),
		}
	}
	if _, ok := def.Settings.Recorded[settingThroughput]; !ok {
		return nil
	}
	bounds, err := readSetting[OnDemandThroughput](def, settingThroughput)
	d.OnDemandThroughput = &bounds
	return err
}

// keyARN returns the ARN of a KMS key that is named by its id, its ARN or an
// alias.
func (e *Engine) keyARN(key string) string {
	switch {
	case key == "":
		key = defaultTableKey
	case strings.HasPrefix(key, "arn:"):
		return key
	case !strings.HasPrefix(key, "alias/"):
		key = "key/" + key
	}
	return awsname.ARN("kms", e.opts.Region, e.opts.Account, key)
}
