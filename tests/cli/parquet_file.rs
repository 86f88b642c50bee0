//! Parquet files for tests, made from CSV text with the writer of the `parquet` crate.

use std::sync::Arc;

use parquet::basic::Type;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// How a file is written.
pub struct Written<'s> {
    /// The columns, as in `optional double x; required binary y (UTF8);`.
    pub schema: &'s str,
    /// Rows of a row group.
    pub group: usize,
    pub properties: WriterPropertiesBuilder,
}

impl Written<'_> {
    pub fn new(schema: &str) -> Written<'_> {
        Written {
            schema,
            group: 1 << 20,
            properties: WriterProperties::builder(),
        }
    }

    /// The file of a CSV without quotes; empty cells are nulls, dates and decimals are whole numbers here. All cells of
    /// a column of lists are lists of one element.
    pub fn of(self, csv: &str) -> Vec<u8> {
        let rows: Vec<Vec<&str>> = csv
            .lines()
            .skip(1)
            .map(|l| l.split(',').collect())
            .collect();
        let schema = format!("message m {{ {} }}", self.schema);
        let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
        let mut bytes = Vec::new();
        let properties = Arc::new(self.properties.build());
        let writer = SerializedFileWriter::new(&mut bytes, schema, properties);
        let mut writer = writer.expect("begins");
        let types: Vec<(Type, i16, i16)> = (writer.schema_descr().columns().iter())
            .map(|c| (c.physical_type(), c.max_def_level(), c.max_rep_level()))
            .collect();
        for rows in rows.chunks(self.group) {
            let mut group = writer.next_row_group().expect("begins a group");
            let mut columns = types.iter().enumerate();
            while let Some(mut to) = group.next_column().expect("begins a column") {
                let (at, about) = columns.next().expect("a column of the schema");
                let cells: Vec<&str> = rows.iter().map(|row| row[at]).collect();
                column(&mut to, about, &cells);
                to.close().expect("ends a column");
            }
            group.close().expect("ends a group");
        }
        writer.close().expect("ends");
        bytes
    }
}

fn column(to: &mut SerializedColumnWriter, about: &(Type, i16, i16), cells: &[&str]) {
    match about.0 {
        Type::BOOLEAN => write::<BoolType>(to, about, cells, |t| t.parse().expect("a truth value")),
        Type::INT32 => write::<Int32Type>(to, about, cells, |t| t.parse().expect("a number")),
        Type::INT64 => write::<Int64Type>(to, about, cells, |t| {
            // unsigned numbers are stored as their bits
            t.parse()
                .unwrap_or_else(|_| t.parse::<u64>().expect("a number").cast_signed())
        }),
        Type::FLOAT => write::<FloatType>(to, about, cells, |t| t.parse().expect("a number")),
        Type::DOUBLE => write::<DoubleType>(to, about, cells, |t| t.parse().expect("a number")),
        Type::BYTE_ARRAY => write::<ByteArrayType>(to, about, cells, |t| ByteArray::from(t)),
        Type::FIXED_LEN_BYTE_ARRAY => write::<FixedLenByteArrayType>(to, about, cells, |t| {
            let number: i64 = t.parse().expect("a number");
            FixedLenByteArray::from(number.to_be_bytes().to_vec())
        }),
        Type::INT96 => panic!("not written"),
    }
}

fn write<T: DataType>(
    to: &mut SerializedColumnWriter,
    (_, definition, repetition): &(Type, i16, i16),
    cells: &[&str],
    value: impl Fn(&str) -> T::T,
) {
    let there = |cell: &&str| *definition == 0 || !cell.is_empty();
    let values: Vec<T::T> = cells.iter().copied().filter(there).map(value).collect();
    let levels: Vec<i16> = (cells.iter().map(|c| if there(c) { *definition } else { 0 })).collect();
    let starts = vec![0; cells.len()];
    let written = to.typed::<T>().write_batch(
        &values,
        (*definition > 0).then_some(&levels),
        (*repetition > 0).then_some(&starts),
    );
    assert_eq!(written.expect("writes"), values.len());
}
