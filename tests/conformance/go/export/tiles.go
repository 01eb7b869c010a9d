package main

// A folder of tiles (C2SP tlog-tiles), read by Go's own tile reader; and what it says of older checkpoints.

import (
	"fmt"
	"io/ioutil"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type folder string

func (f folder) Height() int { return 8 }

// ReadTiles reads each tile, or the first part of a wider one. C2SP's paths leave the height out.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		raw, err := ioutil.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found = append(found, raw)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// reads checks that the folder's tiles are those of the tree, and that the tree continues every older one.
func (f folder) reads(head tree, older []tree, leaves map[int64]tlog.Hash) error {
	reader := tlog.TileHashReader(tlog.Tree{N: head.size, Hash: head.root}, f)
	if root, err := tlog.TreeHash(head.size, reader); err != nil || root != head.root {
		return fmt.Errorf("the tiles of %s are not those of its checkpoint: %v", head.origin, err)
	}
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(head.size, index, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, head.size, head.root, index, leaf); err != nil {
			return err
		}
	}
	for _, old := range older {
		if old.origin != head.origin {
			continue
		}
		proof, err := tlog.ProveTree(head.size, old.size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, head.size, head.root, old.size, old.root); err != nil {
			return fmt.Errorf("%s does not continue its checkpoint of %d: %v", head.origin, old.size, err)
		}
		consistent++
	}
	return nil
}

var consistent int
