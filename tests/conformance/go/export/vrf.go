package main

// ECVRF-EDWARDS25519-SHA512-TAI, written from RFC 9381 section 5.3 over another curve library than the log's own.

import (
	"bytes"
	"crypto/sha512"
	"fmt"

	"filippo.io/edwards25519"
)

const suite = 0x03

func tryAndIncrement(public, alpha []byte) (*edwards25519.Point, error) {
	for counter := 0; counter < 256; counter++ {
		h := sha512.New()
		h.Write([]byte{suite, 0x01})
		h.Write(public)
		h.Write(alpha)
		h.Write([]byte{byte(counter), 0x00})
		point, err := new(edwards25519.Point).SetBytes(h.Sum(nil)[:32])
		if err != nil {
			continue
		}
		point.MultByCofactor(point)
		if point.Equal(edwards25519.NewIdentityPoint()) != 1 {
			return point, nil
		}
	}
	return nil, fmt.Errorf("alpha has no point")
}

func fresh(point *edwards25519.Point, err error, raw []byte) error {
	if err != nil {
		return err
	}
	if !bytes.Equal(point.Bytes(), raw) {
		return fmt.Errorf("a point is not in its canonical form")
	}
	return nil
}

// beta is the VRF's output that pi shows for alpha under the public key, or an error.
func beta(public, alpha, pi []byte) ([]byte, error) {
	if len(public) != 32 || len(pi) != 80 {
		return nil, fmt.Errorf("a VRF key has 32 bytes, a proof 80")
	}
	key, err := new(edwards25519.Point).SetBytes(public)
	if err := fresh(key, err, public); err != nil {
		return nil, err
	}
	if new(edwards25519.Point).MultByCofactor(key).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return nil, fmt.Errorf("the VRF key is of small order")
	}
	gamma, err := new(edwards25519.Point).SetBytes(pi[:32])
	if err := fresh(gamma, err, pi[:32]); err != nil {
		return nil, err
	}
	c, err := new(edwards25519.Scalar).SetCanonicalBytes(append(append([]byte{}, pi[32:48]...), make([]byte, 16)...))
	if err != nil {
		return nil, err
	}
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(pi[48:])
	if err != nil {
		return nil, err
	}
	point, err := tryAndIncrement(public, alpha)
	if err != nil {
		return nil, err
	}
	u := new(edwards25519.Point).Subtract(
		new(edwards25519.Point).ScalarBaseMult(s), new(edwards25519.Point).ScalarMult(c, key))
	v := new(edwards25519.Point).Subtract(
		new(edwards25519.Point).ScalarMult(s, point), new(edwards25519.Point).ScalarMult(c, gamma))
	h := sha512.New()
	h.Write([]byte{suite, 0x02})
	for _, part := range []*edwards25519.Point{key, point, gamma, u, v} {
		h.Write(part.Bytes())
	}
	h.Write([]byte{0x00})
	if !bytes.Equal(h.Sum(nil)[:16], pi[32:48]) {
		return nil, fmt.Errorf("the VRF proof does not hold")
	}
	h = sha512.New()
	h.Write([]byte{suite, 0x03})
	h.Write(new(edwards25519.Point).MultByCofactor(gamma).Bytes())
	h.Write([]byte{0x00})
	return h.Sum(nil), nil
}
