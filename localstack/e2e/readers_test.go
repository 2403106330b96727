package e2e

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// TestProperty3_NobodyElseCanReadAMessage wants the text of a message in no
// attribute of a table, in no line that the stack or a function has written,
// and in no file of the data folder, after a conversation whose recipients have
// read it.
func TestProperty3_NobodyElseCanReadAMessage(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("sealed")
	users := openClients(ctx, t, s, room, 2)
	sub := subscribeAll(t, users[1], room)
	texts := []string{"the quick brown fox", "Grüße aus dem Nirgendwo", strings.Repeat("long and dull ", 300)}
	for _, text := range texts {
		mustSend(ctx, t, users[0], room, text)
	}
	received, err := receiveMessages(ctx, sub, len(texts))
	if err != nil || received[2].Body != texts[2] {
		t.Fatalf("got %v, %v; want the texts that were sent", received, err)
	}

	items, err := allItems(ctx, dynamodb.NewFromConfig(awsConfig(s.url)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(items, func(item string) bool { return strings.Contains(item, string(room)) }) {
		t.Fatal("the tables do not contain the room's name, so the search proves nothing")
	}
	written := append(items, s.stdout.String(), s.stderr.String())
	for _, text := range texts {
		for form, b := range forms(text) {
			for _, w := range written {
				if bytes.Contains([]byte(w), b) {
					t.Errorf("found %.20q (%s) in: %.200s", text, form, w)
				}
			}
		}
	}
	if places, err := searchBytes(s.data, texts...); err != nil || len(places) > 0 {
		t.Errorf("got the texts in %v, %v; want them nowhere", places, err)
	}
}
