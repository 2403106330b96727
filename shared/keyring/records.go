package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/strict"
)

// The ids of the kinds that have one record.
const (
	serviceID = "service"
	keySetID  = "current"
)

// The records' values. Wrapped is private material under KMS, everything else
// is public. Times are Unix seconds.
type (
	serviceRecord struct {
		JWK     json.RawMessage `json:"jwk"`
		Wrapped []byte          `json:"wrapped"` // the seed
	}

	serverRecord struct {
		JWK     json.RawMessage `json:"jwk"`
		Created int64           `json:"created"`
		Wrapped []byte          `json:"wrapped"` // PKCS #8
	}

	dataRecord struct {
		Created    int64  `json:"created"`
		Generation int64  `json:"gen"` // of the key set at that time
		Wrapped    []byte `json:"wrapped"`
	}

	keySetRecord struct {
		Token   string       `json:"jws"`
		Retired []retirement `json:"retired"` // newest first
	}

	// retirement has the time since when a server key is decrypt-only.
	retirement struct {
		Number int64 `json:"number"`
		At     int64 `json:"at"`
	}
)

// numberID is the ID of server and data keys: their number, from 1, in decimal.
func numberID(n int64) string { return strconv.FormatInt(n, 10) }

func parseNumber(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 0 || numberID(n) != id {
		return 0, fmt.Errorf("key record with the id %q", id)
	}
	return n, nil
}

// encode makes a record of generation g.
func encode(kind Kind, id string, g int64, value any) (Record, error) {
	data, err := strict.Marshal(value)
	if err != nil {
		return Record{}, fmt.Errorf("encode %s key record: %w", kind, err)
	}
	return Record{Kind: kind, ID: id, Generation: g, Value: data}, nil
}

// serverKey is a server key's public side and its wrapped private one.
type serverKey struct {
	number  int64
	public  *envelope.EncryptionKey
	wrapped []byte
}

func decodeServer(r Record) (*serverKey, error) {
	n, err := parseNumber(r.ID)
	if err == nil && n == 0 {
		err = errors.New("a server key with the number 0")
	}
	if err != nil {
		return nil, err
	}
	var value serverRecord
	if err := strict.Unmarshal(r.Value, &value); err != nil {
		return nil, fmt.Errorf("server key %d: %w", n, err)
	}
	public, err := envelope.ParseEncryptionKey(value.JWK)
	if err != nil {
		return nil, fmt.Errorf("server key %d: %w", n, err)
	}
	return &serverKey{number: n, public: public, wrapped: value.Wrapped}, nil
}

// wrappedData is a data key as stored.
type wrappedData struct {
	number     int64
	created    time.Time
	generation int64
	wrapped    []byte
}

func decodeData(r Record) (*wrappedData, error) {
	n, err := parseNumber(r.ID)
	if err != nil {
		return nil, err
	}
	var value dataRecord
	if err := strict.Unmarshal(r.Value, &value); err != nil {
		return nil, fmt.Errorf("data key %d: %w", n, err)
	}
	return &wrappedData{
		number:     n,
		created:    time.Unix(value.Created, 0),
		generation: value.Generation,
		wrapped:    value.Wrapped,
	}, nil
}

// wrappedService is the identity as stored.
type wrappedService struct {
	public  envelope.VerifyKey
	wrapped []byte
}

func decodeService(r Record) (*wrappedService, error) {
	var value serviceRecord
	if err := strict.Unmarshal(r.Value, &value); err != nil {
		return nil, fmt.Errorf("service key: %w", err)
	}
	public, err := envelope.ParseVerifyKey(value.JWK)
	if err != nil {
		return nil, fmt.Errorf("service key: %w", err)
	}
	return &wrappedService{public: public, wrapped: value.Wrapped}, nil
}
