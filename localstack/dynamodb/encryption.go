package dynamodb

import (
	"errors"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// defaultTableKey is the key of tables that name none.
const defaultTableKey = "alias/aws/dynamodb"

func (c *checks) encryption(s *SSESpecification) {
	if s != nil {
		c.oneOf("sSESpecification.sSEType", s.SSEType, "AES256", "KMS")
	}
}

// recordEncryption keeps how a table is encrypted, and its on-demand bounds,
// where they are given.
func recordEncryption(s *store.Settings, key *SSESpecification, bounds *OnDemandThroughput) error {
	var errs []error
	if key != nil {
		errs = append(errs, keep(s, recordKey, key))
	}
	if bounds != nil {
		if !s.OnDemand {
			return invalidParameter("OnDemandThroughput can be specified only when BillingMode is PAY_PER_REQUEST")
		}
		errs = append(errs, keep(s, recordBounds, bounds))
	}
	return errors.Join(errs...)
}

// describeEncryption says what recordEncryption kept.
func (d *tableDescription) describeEncryption(e *Engine, def *store.Definition) error {
	key, err := recorded[SSESpecification](def, recordKey)
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
	if _, ok := def.Settings.Recorded[recordBounds]; !ok {
		return nil
	}
	bounds, err := recorded[OnDemandThroughput](def, recordBounds)
	d.OnDemandThroughput = &bounds
	return err
}

// keyARN is the ARN of a key that is named by its id, its ARN or an alias.
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
