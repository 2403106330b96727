package keyringtest_test

import (
	"testing"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
)

func TestStore(t *testing.T) {
	keyringtest.Run(t, func(*testing.T) keyring.Store { return keyringtest.NewStore() })
}
