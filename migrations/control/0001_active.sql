-- Which read models are in use and which position of the log they reflect; one row.
CREATE TABLE active (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema   text    NOT NULL,
    position bigint  NOT NULL
);

-- Numbers of read-model schemas: rm_1, rm_2, …
CREATE SEQUENCE read_model_number;
