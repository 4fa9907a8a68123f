//! Datasets: named, ordered lists of datapoints.

use axum::Json;
use axum::extract::State;
use rusqlite::{Connection, named_params, params};
use serde_json::{Map, Value, json};

use super::fields::{Fields, bad};
use super::ids::Path;
use super::query::Parameters;
use super::{Answer, Db, body, datapoints, new_id, runs};
use crate::error::ApiError;

/// `POST /v1/datasets`
pub(super) async fn create(State(store): Db, body::Json(mut body): body::Json) -> Answer {
    let name = body.name("name")?;
    let name = body.required("name", "a string that is not blank", name)?;
    let description = body.text("description")?;
    let members = body.texts("datapoints")?.unwrap_or_default();
    let id = new_id();
    let answer = json!({"inserted": true, "result": {"insertedId": id}});
    store
        .write(move |connection| {
            let now = runs::timestamp(connection)?;
            let body = json!({
                "id": id, "name": name, "description": description, "created_at": now, "updated_at": now,
            });
            connection.execute(
                "INSERT INTO datasets (id, name, body) VALUES (?1, ?2, ?3)",
                params![id, name, body.to_string()],
            )?;
            link_all(connection, &id, &members)
        })
        .await?;
    Ok(Json(answer))
}

/// `GET /v1/datasets?dataset_id=&name=`
pub(super) async fn list(State(store): Db, parameters: Parameters) -> Answer {
    let found = store
        .read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT body, (SELECT json_group_array(datapoint_id ORDER BY links.seq) FROM links \
                 WHERE dataset_id = id) FROM datasets WHERE (:id IS NULL OR id = :id) \
                 AND (:name IS NULL OR name = :name) ORDER BY seq",
            )?;
            let wanted = named_params! {":id": parameters.text("dataset_id"), ":name": parameters.text("name")};
            let rows = statement.query_map(wanted, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (body, members) = row?;
                let mut dataset: Value = serde_json::from_str(&body)?;
                dataset["datapoints"] = serde_json::from_str(&members)?;
                Ok(dataset)
            })
            .collect::<Result<Vec<_>, ApiError>>()
        })
        .await?;
    Ok(Json(json!({"datasets": found})))
}

/// `POST /v1/datasets/{id}/datapoints`: rows of data become datapoints, the mapping says which columns go where.
pub(super) async fn add_datapoints(
    State(store): Db,
    Path(dataset_id): Path<String>,
    body::Json(mut body): body::Json,
) -> Answer {
    let rows = body.objects("data")?;
    let rows = body.required("data", "an array of objects", rows)?;
    let mapping = Mapping::read(body.wrapped("mapping")?)?;
    let new: Vec<(String, Map<String, Value>)> = rows
        .into_iter()
        .map(|row| Ok((new_id(), mapping.apply(row)?)))
        .collect::<Result<_, ApiError>>()?;
    let ids: Vec<String> = new.iter().map(|(id, _)| id.clone()).collect();
    store
        .write(move |connection| {
            if !exists(connection, &dataset_id)? {
                return Err(ApiError::not_found("dataset", dataset_id));
            }
            for (id, datapoint) in new {
                datapoints::add(connection, &id, datapoint)?;
                link(connection, &dataset_id, &id)?;
            }
            Ok(())
        })
        .await?;
    Ok(Json(json!({"inserted": true, "datapoint_ids": ids})))
}

/// `PUT /v1/datasets/{id}`: replaces the fields given; `datapoints` become the whole list.
pub(super) async fn update(
    State(store): Db,
    Path(dataset_id): Path<String>,
    body::Json(mut body): body::Json,
) -> Answer {
    let (name, description) = (body.name("name")?, body.text("description")?);
    let members = body.texts("datapoints")?;
    store
        .write(move |connection| {
            if !exists(connection, &dataset_id)? {
                return Err(ApiError::not_found("dataset", dataset_id));
            }
            let now = runs::timestamp(connection)?;
            connection.execute(
                "UPDATE datasets SET name = coalesce(?2, name), body = json_set(body, '$.updated_at', ?4, \
                 '$.name', coalesce(?2, body ->> 'name'), '$.description', coalesce(?3, body ->> 'description')) \
                 WHERE id = ?1",
                params![dataset_id, name, description, now],
            )?;
            if let Some(members) = members {
                connection.execute("DELETE FROM links WHERE dataset_id = ?1", [&dataset_id])?;
                link_all(connection, &dataset_id, &members)?;
            }
            Ok(Json(json!({"result": {"id": dataset_id}})))
        })
        .await
}

/// `DELETE /v1/datasets/{id}`: its datapoints stay.
pub(super) async fn delete(State(store): Db, Path(dataset_id): Path<String>) -> Answer {
    store
        .write(move |connection| {
            connection.execute("DELETE FROM links WHERE dataset_id = ?1", [&dataset_id])?;
            match connection.execute("DELETE FROM datasets WHERE id = ?1", [&dataset_id])? {
                0 => Err(ApiError::not_found("dataset", dataset_id)),
                _ => Ok(Json(json!({"result": {"id": dataset_id}}))),
            }
        })
        .await
}

/// `DELETE /v1/datasets/{id}/datapoints/{id}`, with or without `datapoints`: the datapoint itself stays.
pub(super) async fn remove_datapoint(
    State(store): Db,
    Path((dataset_id, datapoint_id)): Path<(String, String)>,
) -> Answer {
    store
        .write(move |connection| {
            let sql = "DELETE FROM links WHERE dataset_id = ?1 AND datapoint_id = ?2";
            match connection.execute(sql, [&dataset_id, &datapoint_id])? {
                0 => Err(ApiError::not_found("datapoint of this dataset", datapoint_id)),
                _ => Ok(Json(
                    json!({"dereferenced": true, "message": "removed from the dataset"}),
                )),
            }
        })
        .await
}

fn link_all(connection: &Connection, dataset_id: &str, members: &[String]) -> Result<(), ApiError> {
    for (index, member) in members.iter().enumerate() {
        if !datapoints::exists(connection, member)? {
            let field = format!("datapoints[{index}]");
            return Err(bad(&field, "the id of a datapoint", &member.as_str().into()));
        }
        link(connection, dataset_id, member)?;
    }
    Ok(())
}

/// Puts a datapoint at the end of a dataset that is there; twice is once.
pub(super) fn link(connection: &Connection, dataset_id: &str, datapoint_id: &str) -> Result<(), ApiError> {
    if !exists(connection, dataset_id)? {
        return Err(ApiError::not_found("dataset", dataset_id));
    }
    connection
        .prepare_cached("INSERT OR IGNORE INTO links (dataset_id, datapoint_id) VALUES (?1, ?2)")?
        .execute([dataset_id, datapoint_id])?;
    Ok(())
}

fn exists(connection: &Connection, id: &str) -> Result<bool, ApiError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM datasets WHERE id = ?1")?;
    Ok(statement.exists([id])?)
}

/// Which columns of a row are inputs, history and ground truth; the others become metadata.
struct Mapping {
    inputs: Vec<String>,
    history: Vec<String>,
    ground_truth: Vec<String>,
}

impl Mapping {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let mut columns = |key: &str| -> Result<Vec<String>, ApiError> { Ok(fields.texts(key)?.unwrap_or_default()) };
        Ok(Self {
            inputs: columns("inputs")?,
            history: columns("history")?,
            ground_truth: columns("ground_truth")?,
        })
    }

    fn apply(&self, mut row: Fields) -> Result<Map<String, Value>, ApiError> {
        let mut pick = |columns: &[String]| -> Result<Map<String, Value>, ApiError> {
            columns
                .iter()
                .map(|column| {
                    let value = row.any(column);
                    Ok((
                        column.clone(),
                        row.required(column, "the column the mapping names", value)?,
                    ))
                })
                .collect()
        };
        let inputs = pick(&self.inputs)?;
        let ground_truth = pick(&self.ground_truth)?;
        let history: Vec<Value> = pick(&self.history)?.into_iter().map(|(_, value)| value).collect();
        let datapoint = [
            ("inputs", inputs.into()),
            ("ground_truth", ground_truth.into()),
            ("history", history.into()),
            ("metadata", row.rest().into()),
            ("linked_event", Value::Null),
        ];
        Ok(datapoint
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect())
    }
}
