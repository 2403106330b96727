package envelope

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// A message of 1 KiB: what most benchmarks of the project speak of.
var kilobyte = bytes.Repeat([]byte("0123456789abcdef"), 64)

func BenchmarkOpen(b *testing.B) {
	for _, key := range []*DecryptionKey{deviceKey(), serviceKey()} {
		b.Run(fmt.Sprintf("%d", key.Public().Bits()), func(b *testing.B) {
			token := must(Seal(key.Public(), TypeSend, kilobyte))
			b.ReportAllocs()
			for b.Loop() {
				must(must(ParseSealed(token, TypeSend)).Open(key))
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, key := range []*DecryptionKey{deviceKey(), serviceKey()} {
		b.Run(fmt.Sprintf("%d", key.Public().Bits()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(Seal(key.Public(), TypeSealedMessage, kilobyte))
			}
		})
	}
}

// BenchmarkSeal100 is a fan-out to a room of 100 devices on all cores.
func BenchmarkSeal100(b *testing.B) {
	const recipients = 100
	to := deviceKey().Public()
	b.ReportAllocs()
	for b.Loop() {
		var next atomic.Int64
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for next.Add(1) <= recipients {
					must(Seal(to, TypeSealedMessage, kilobyte))
				}
			})
		}
		workers.Wait()
	}
}

func BenchmarkSign(b *testing.B) {
	key := must(GenerateSigningKey())
	b.ReportAllocs()
	for b.Loop() {
		must(Sign(key, TypeMessage, kilobyte))
	}
}

func BenchmarkVerify(b *testing.B) {
	key := must(GenerateSigningKey())
	token := must(Sign(key, TypeMessage, kilobyte))
	b.ReportAllocs()
	for b.Loop() {
		must(must(ParseSigned(token, TypeMessage)).Verify(key.Public()))
	}
}

func BenchmarkParseEncryptionKey(b *testing.B) {
	jwk := deviceKey().Public().JWK()
	b.ReportAllocs()
	for b.Loop() {
		must(ParseEncryptionKey(jwk))
	}
}

func BenchmarkParseVerifyKey(b *testing.B) {
	jwk := must(GenerateSigningKey()).Public().JWK()
	b.ReportAllocs()
	for b.Loop() {
		must(ParseVerifyKey(jwk))
	}
}
