package emulator

import (
	"net/http"
	"slices"
)

// metadataIndex makes a property of later vectors one to filter by.
type metadataIndex struct {
	row
	Index, Property, Type string
}

// maxMetadataIndexes is how many an index may have.
const maxMetadataIndexes = 10

// The codes are the reference's; guess: the texts.
var (
	errMetadataIndexTaken = refuse(http.StatusConflict, 40004, "vectorize.metadata_index_already_exists")
	errNoMetadataIndex    = refuse(http.StatusBadRequest, 40005, "vectorize.metadata_index_does_not_exist")
	errMetadataIndexType  = refuse(http.StatusBadRequest, 40026, "vectorize.metadata_index_invalid_type")
	metadataIndexTypes    = []string{"string", "number", "boolean"}
)

func (v *vectorizeIndexes) registerProperties(base string) {
	s := v.s
	v.properties = newTable(s.store, "metadata_index", func() *metadataIndex { return new(metadataIndex) })
	v.propertiesByName = v.properties.by(func(m *metadataIndex) string { return key(m.Index, m.Property) })
	s.on("POST", base+"/metadata_index/create", groupVectorize, v.createProperty)
	s.on("POST", base+"/metadata_index/delete", groupVectorize, v.deleteProperty)
	s.on("GET", base+"/metadata_index/list", groupVectorize, v.listProperties)
}

type propertyBody struct {
	Property string `json:"propertyName"`
	Type     string `json:"indexType"`
}

func (v *vectorizeIndexes) createProperty(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	var in propertyBody
	if err := c.decode(&in, errMetadataIndexType); err != nil {
		return nil, err
	}
	_, taken := v.propertiesByName.one(i.ID, in.Property)
	switch {
	case in.Property == "" || !slices.Contains(metadataIndexTypes, in.Type):
		return nil, errMetadataIndexType
	case taken:
		return nil, errMetadataIndexTaken
	case len(v.propertiesByName.within(i.ID)) >= maxMetadataIndexes:
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 40027, "vectorize.metadata_index_limit_reached")
	}
	v.properties.put(c.x, &metadataIndex{row{ID: newID()}, i.ID, in.Property, in.Type})
	return v.mutated(c, i)
}

func (v *vectorizeIndexes) deleteProperty(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	var in propertyBody
	if err := c.decode(&in, errNoMetadataIndex); err != nil {
		return nil, err
	}
	m, has := v.propertiesByName.one(i.ID, in.Property)
	if !has {
		return nil, errNoMetadataIndex
	}
	v.properties.remove(c.x, m.ID)
	return v.mutated(c, i)
}

func (v *vectorizeIndexes) listProperties(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range v.propertiesByName.within(i.ID) {
		list = append(list, map[string]string{"propertyName": e.row.Property, "indexType": e.row.Type})
	}
	return ok(map[string]any{"metadataIndexes": list})
}
