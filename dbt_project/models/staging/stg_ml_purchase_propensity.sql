{{ config(tags=["after_ml"]) }} {{ model_rows("purchase_propensity") }}
