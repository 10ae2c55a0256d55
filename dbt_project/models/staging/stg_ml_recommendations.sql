{{ config(tags=["after_ml"]) }} {{ model_rows("recommendations") }}
