{{ config(tags=["after_ml"]) }} {{ model_rows("association_rules") }}
