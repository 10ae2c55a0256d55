{{ config(tags=["after_ml"]) }} {{ model_rows("customer_value") }}
