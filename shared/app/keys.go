package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/shared/config"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/awskms"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/table"
)

// dataKeySlack keeps a data key longer than the messages under it: these stay
// a few hours past their retention, and backups of them a little more.
const dataKeySlack = 7 * 24 * time.Hour

// keys is the keyring as package room sees it.
type keys struct{ *keyring.Keyring }

var _ room.Keys = (*keys)(nil)

// openKeyring composes the keyring; it reads nothing yet.
func openKeyring(c config.Config) *keys {
	wrapper := awskms.New(kms.New(kms.Options{
		Region:       c.Region,
		Credentials:  signer(c),
		HTTPClient:   client,
		BaseEndpoint: endpoint(c.KMSEndpoint),
	}), c.KMSKey)
	return &keys{keyring.New(table.Keys{Store: rows(c)}, wrapper, keyring.Options{
		Audience:         c.Audience,
		ServerKeyBits:    c.ServerKeyBits,
		DataKeyRetention: c.Retention + dataKeySlack,
	})}
}

// KeySet implements room.Keys.
func (k *keys) KeySet(ctx context.Context) (string, error) {
	token, _, err := k.Keyring.KeySet(ctx)
	return token, err
}

// Accepts implements room.Keys.
func (k *keys) Accepts(ctx context.Context, kid string) (bool, error) {
	return k.AcceptsServerKey(ctx, kid)
}

// OpenSend implements room.Keys.
func (k *keys) OpenSend(ctx context.Context, token string) ([]byte, string, error) {
	plaintext, kid, err := k.Keyring.OpenSend(ctx, token)
	if errors.Is(err, keyring.ErrStaleKey) {
		err = fmt.Errorf("%w: %w", room.ErrStaleKey, err)
	}
	return plaintext, kid, err
}

// OpenAtRest implements room.Keys.
func (k *keys) OpenAtRest(ctx context.Context, dataKey string, sealed, additional []byte) ([]byte, error) {
	plaintext, err := k.Keyring.OpenAtRest(ctx, dataKey, sealed, additional)
	if errors.Is(err, keyring.ErrAtRest) {
		err = fmt.Errorf("%w: %w", room.ErrDamaged, err)
	}
	return plaintext, err
}
