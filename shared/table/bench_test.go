package table_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/table"
)

// BenchmarkAppend appends messages of 1.7 KB, the token of 1 KB of text: one
// after the other in one room, and with senders of their own rooms in parallel,
// which share synced commits.
func BenchmarkAppend(b *testing.B) {
	store := table.New(connect(b), tables, nil)
	add := func(b *testing.B, name chat.Room, seq chat.Seq) {
		sealed := make([]byte, 1500)
		rand.Read(sealed)
		err := store.Append(b.Context(), &room.Entry{
			Room:      name,
			Epoch:     "epoch",
			Seq:       seq,
			ID:        chat.MessageID(rand.Text()),
			User:      "ada",
			Device:    "device",
			SenderKey: sealed[:32],
			StoredAt:  time.Now(),
			Expires:   time.Now().Add(time.Hour),
			DataKey:   "1",
			Sealed:    sealed,
		}, 0, nil)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("OneRoom", func(b *testing.B) {
		name := chat.Room(rand.Text())
		b.ReportAllocs()
		for seq := chat.Seq(1); b.Loop(); seq++ {
			add(b, name, seq)
		}
	})
	b.Run("ManyRooms", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			name := chat.Room(rand.Text())
			for seq := chat.Seq(1); pb.Next(); seq++ {
				add(b, name, seq)
			}
		})
	})
}
