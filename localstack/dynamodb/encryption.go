package dynamodb

import (
	"errors"
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
	var errs []error
	if key != nil {
		errs = append(errs, writeSetting(s, settingEncryption, key))
	}
	if bounds != nil {
		if !s.OnDemand {
			return invalidParameter("OnDemandThroughput can be specified only when BillingMode is PAY_PER_REQUEST")
		}
		errs = append(errs, writeSetting(s, settingThroughput, bounds))
	}
	return errors.Join(errs...)
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
