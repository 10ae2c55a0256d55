{{ config(tags=["after_ml"]) }} {{ model_rows("evaluation") }}
