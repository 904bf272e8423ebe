-- The contact that stands for this one, while they are one person.
ALTER TABLE contacts ADD COLUMN merged_into text;

-- indexes
CREATE INDEX contacts_merged ON contacts (tenant, merged_into) WHERE merged_into IS NOT NULL;
