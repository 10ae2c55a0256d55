{{ config(tags=["after_ml"]) }} {{ model_rows("score_status") }}
