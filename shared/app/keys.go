package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/shared/config"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/awskms"
	"github.com/sotto-chat/sotto/shared/keyring/roomkeys"
	"github.com/sotto-chat/sotto/shared/table"
)

// dataKeySlack is how much longer than a message its data key is kept: messages
// stay a few hours past their retention, and backups of them longer.
const dataKeySlack = 7 * 24 * time.Hour

// openKeyring composes the keyring. It reads no key yet. maker has missing keys
// made; nil means that this function does not ask for them.
func openKeyring(c config.Config, maker func(context.Context) error) roomkeys.Keys {
	wrapper := awskms.New(kms.New(kms.Options{
		Region:       c.Region,
		Credentials:  signer(c),
		HTTPClient:   client,
		BaseEndpoint: endpoint(c.KMSEndpoint),
	}), c.KMSKey)
	return roomkeys.Keys{Keyring: keyring.New(table.Keys{Store: rows(c)}, wrapper, keyring.Options{
		Audience:         c.Audience,
		ServerKeyBits:    c.ServerKeyBits,
		DataKeyRetention: c.Retention + dataKeySlack,
		Maker:            maker,
	})}
}

// warmTimeout bounds the reading of keys during initialization, for which
// Lambda allows 10 s. The first invocation reads what is missing.
const warmTimeout = 5 * time.Second

// warm reads the keys during initialization, since the first calls of DynamoDB
// and KMS take most of a cold start.
func warm(keys roomkeys.Keys, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), warmTimeout)
	defer cancel()
	if err := keys.Warm(ctx); err != nil {
		log.Warn("failed to read the keys during initialization", "err", err)
	}
}
