package envelope_test

import (
	"fmt"
	"log"

	"github.com/sotto-chat/sotto/shared/envelope"
)

// A sender signs its claims and seals the token to a recipient, who opens it
// and verifies the signature under the key that it has on record for the
// sender.
func Example() {
	sender, err := envelope.GenerateSigningKey()
	if err != nil {
		log.Fatal(err)
	}
	recipient, err := envelope.GenerateDecryptionKey(envelope.DefaultBits)
	if err != nil {
		log.Fatal(err)
	}

	signed, err := envelope.Sign(sender, envelope.TypeMessage, []byte(`{"body":"hello"}`))
	if err != nil {
		log.Fatal(err)
	}
	token, err := envelope.Seal(recipient.Public(), envelope.TypeSend, []byte(signed))
	if err != nil {
		log.Fatal(err)
	}

	sealed, err := envelope.ParseSealed(token, envelope.TypeSend)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, err := sealed.Open(recipient)
	if err != nil {
		log.Fatal(err)
	}
	received, err := envelope.ParseSigned(string(plaintext), envelope.TypeMessage)
	if err != nil {
		log.Fatal(err)
	}
	claims, err := received.Verify(sender.Public())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(claims))
	// Output: {"body":"hello"}
}

// A token of one type is refused where another is expected.
func ExampleParseSigned() {
	key, err := envelope.GenerateSigningKey()
	if err != nil {
		log.Fatal(err)
	}
	token, err := envelope.Sign(key, envelope.TypeRevoke, []byte(`{}`))
	if err != nil {
		log.Fatal(err)
	}
	_, err = envelope.ParseSigned(token, envelope.TypeMessage)
	fmt.Println(err)
	// Output: signature not acceptable: another typ
}
