{{ config(tags=["after_ml"]) }} {{ model_rows("cross_sell") }}
